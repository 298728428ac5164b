// What the thread sanitizer must know in a program with Debian's gRPC, which is
// not instrumented. Reports are left out only when their top frame is in code
// that is not ours: the ^ keeps signatures of our handlers, which name message
// types, from matching. A race inside of a standard container of ours would be
// hidden as well, so the core is tested in programs without gRPC.

#if defined(__SANITIZE_THREAD__)

extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_suppressions();

extern "C" const char* __tsan_default_options() {
  return "ignore_noninstrumented_modules=1";
}

extern "C" const char* __tsan_default_suppressions() {
  return "race_top:^grpc::\n"
         "race_top:^google::protobuf::\n"
         "race_top:^carbond::v1::\n"
         "race_top:libgrpc\n"
         "race_top:libabsl\n"
         "race_top:^std::\n"
         "race_top:operator delete\n";
}

#endif
