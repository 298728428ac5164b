# Run by `cmake --install`. The files here hold the paths of a Debian package;
# those of the prefix that is installed to take their place.
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(config_dir /etc/carbond)
else()
  set(config_dir ${CMAKE_INSTALL_PREFIX}/etc/carbond)
endif()
foreach(dir bin_dir data_dir doc_dir)
  cmake_path(ABSOLUTE_PATH ${dir} BASE_DIRECTORY "${CMAKE_INSTALL_PREFIX}")
endforeach()

function(put file destination)
  file(READ "${CMAKE_CURRENT_LIST_DIR}/${file}" text)
  string(REPLACE "/usr/bin/" "${bin_dir}/" text "${text}")
  string(REPLACE "/etc/carbond/" "${config_dir}/" text "${text}")
  string(REGEX REPLACE "([ '\"])data/california"
         "\\1${data_dir}/carbond/data/california" text "${text}")
  message(STATUS "Installing: $ENV{DESTDIR}${destination}")
  file(WRITE "$ENV{DESTDIR}${destination}" "${text}")
endfunction()

put(carbond.service ${CMAKE_INSTALL_PREFIX}/lib/systemd/system/carbond.service)
put(carbond.example.yaml ${doc_dir}/carbond.example.yaml)
# The configuration belongs to its user: it is never written over.
set(config ${config_dir}/carbond.yaml)
if(EXISTS "$ENV{DESTDIR}${config}")
  message(STATUS "Kept: $ENV{DESTDIR}${config}")
else()
  put(carbond.example.yaml ${config})
endif()
