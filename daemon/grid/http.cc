#include "daemon/grid/http.h"

#include <curl/curl.h>
#include <string.h>

#include <algorithm>
#include <charconv>

namespace carbond {
namespace {

constexpr int kMostRedirects = 3;
constexpr int kLongestPollMs = 1000;
constexpr Duration kLongestRetryAfter = hours(24);

// ---- Addresses -------------------------------------------------------------

class Url {
 public:
  explicit Url(const std::string& text) : url_(curl_url()) {
    good_ = url_ != nullptr &&
            curl_url_set(url_, CURLUPART_URL, text.c_str(), 0) == CURLUE_OK;
  }
  ~Url() { curl_url_cleanup(url_); }
  Url(const Url&) = delete;
  Url& operator=(const Url&) = delete;

  std::string Part(CURLUPart part) const {
    char* text = nullptr;
    if (!good_ ||
        curl_url_get(url_, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
      return "";
    }
    std::string copy = text;
    curl_free(text);
    return copy;
  }
  std::string Origin() const {
    return Part(CURLUPART_SCHEME) + "://" + Part(CURLUPART_HOST) + ":" +
           Part(CURLUPART_PORT);
  }

 private:
  CURLU* url_;
  bool good_ = false;
};

// ---- One transfer ----------------------------------------------------------

struct Sink {
  std::string body;
  size_t largest;
  bool too_large = false;
};

size_t TakeBody(char* data, size_t size, size_t count, void* to) {
  Sink& sink = *static_cast<Sink*>(to);
  if (sink.body.size() + size * count > sink.largest) {
    sink.too_large = true;
    return 0;
  }
  sink.body.append(data, size * count);
  return size * count;
}

std::string HeaderOf(CURL* easy, const char* name) {
  curl_header* header = nullptr;
  if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return "";
  }
  return header->value;
}

std::optional<Instant> ParseHttpDate(const std::string& text) {
  const time_t seconds =
      text.empty() ? -1 : curl_getdate(text.c_str(), nullptr);
  if (seconds < 0) return std::nullopt;
  return Instant::FromSeconds(seconds);
}

// Seconds, or an instant by the server's clock, of which `date` is the present.
std::optional<Duration> ParseRetryAfter(const std::string& text,
                                        std::optional<Instant> date) {
  int64_t seconds_left = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, seconds_left);
  Duration wait{0};
  if (error == std::errc() && after == end) {
    wait = seconds(std::clamp<int64_t>(seconds_left, 0, 86'400));
  } else if (error == std::errc::result_out_of_range) {
    wait = kLongestRetryAfter;
  } else {
    const auto until = ParseHttpDate(text);
    if (!until || !date) return std::nullopt;
    wait = *until - *date;
  }
  return std::clamp(wait, Duration(0), kLongestRetryAfter);
}

std::string LowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

void BlotOut(const std::string& secret, std::string& text) {
  if (secret.size() < 4) return;  // would blot out half of any text
  for (size_t at = text.find(secret); at != std::string::npos;
       at = text.find(secret, at)) {
    text.replace(at, secret.size(), "***");
    at += 3;
  }
}

// What a server echoes of a request's secrets must not reach a log by way of
// its error message.
void BlotOutSecrets(const HttpRequest& request, std::string& body) {
  for (const HttpHeader& header : request.headers) {
    const std::string& value = header.value.Reveal();
    BlotOut(value, body);
    const size_t blank = value.find(' ');  // "Bearer TOKEN"
    if (blank != std::string::npos) BlotOut(value.substr(blank + 1), body);
  }
}

// ---- What went wrong, in words ---------------------------------------------

std::string InWords(CURLcode code, CURL* easy,
                    const CurlDoor::Options& options) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return "its name cannot be resolved; check the network, and the address";
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "the name of the proxy cannot be resolved; check the proxy "
             "settings of the environment";
    case CURLE_COULDNT_CONNECT: {
      long error = 0;
      curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
      return fmt::format(
          "cannot be connected to ({})",
          error == 0 ? "no route" : strerror(static_cast<int>(error)));
    }
    case CURLE_OPERATION_TIMEDOUT: {
      // Until the request could be sent; of a connection that was kept, the
      // time to connect is no measure.
      curl_off_t ready = 0;
      curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
      return ready == 0 ? fmt::format("no connection within {}",
                                      FormatDuration(options.connect_timeout))
                        : fmt::format("no whole answer within {}",
                                      FormatDuration(options.total_timeout));
    }
    case CURLE_PEER_FAILED_VERIFICATION:
      return "its TLS certificate does not verify (for another host, expired, "
             "or of an unknown authority); nothing was sent";
    case CURLE_SSL_CONNECT_ERROR:
      return "no TLS connection could be agreed on; is it https at all?";
    case CURLE_SSL_CACERT_BADFILE:
      return fmt::format(
          "the authorities in {} cannot be read",
          options.ca_file.empty() ? "the system's store" : options.ca_file);
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2_STREAM:
      return "the connection broke before the whole answer was there";
    default:
      return curl_easy_strerror(code);
  }
}

}  // namespace

// ---- The door --------------------------------------------------------------

class CurlDoor::Handles {
 public:
  Handles() {
    // Thread-safe and counted since libcurl 7.84; never undone, since others
    // in this process may use it as well.
    const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
    CARBOND_INVARIANT(code == CURLE_OK, "libcurl: {}",
                      curl_easy_strerror(code));
    easy = curl_easy_init();
    multi = curl_multi_init();
    CARBOND_INVARIANT(easy != nullptr && multi != nullptr, "no memory");
  }
  ~Handles() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  CURL* easy = nullptr;
  CURLM* multi = nullptr;
};

CurlDoor::CurlDoor(Options options)
    : options_(std::move(options)), handles_(std::make_unique<Handles>()) {}

CurlDoor::~CurlDoor() = default;

void CurlDoor::Abort() {
  aborted_ = true;
  curl_multi_wakeup(handles_->multi);
}

namespace {

// Runs the transfer to its end; nothing when it was aborted.
std::optional<CURLcode> Perform(CURLM* multi, CURL* easy,
                                const std::atomic<bool>& aborted) {
  curl_multi_add_handle(multi, easy);
  int running = 1;
  CURLMcode fault = CURLM_OK;
  while (running > 0 && fault == CURLM_OK && !aborted) {
    fault = curl_multi_perform(multi, &running);
    if (running == 0 || fault != CURLM_OK) break;
    fault = curl_multi_poll(multi, nullptr, 0, kLongestPollMs, nullptr);
  }
  std::optional<CURLcode> code;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  // Otherwise a name that is still being resolved would hold up the abort.
  if (!code) curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_multi_remove_handle(multi, easy);
  if (fault != CURLM_OK) return CURLE_FAILED_INIT;
  return code;
}

class HeaderList {
 public:
  explicit HeaderList(const std::vector<HttpHeader>& headers) {
    for (const HttpHeader& header : headers) {
      Secret line(header.name + ": " + header.value.Reveal());
      list_ = curl_slist_append(list_, line.Reveal().c_str());
    }
  }
  ~HeaderList() {
    for (curl_slist* each = list_; each != nullptr; each = each->next) {
      explicit_bzero(each->data, strlen(each->data));
    }
    curl_slist_free_all(list_);
  }
  HeaderList(const HeaderList&) = delete;
  HeaderList& operator=(const HeaderList&) = delete;
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

void SetOptions(CURL* easy, const CurlDoor::Options& options,
                const std::string& url, const HttpRequest& request,
                const HeaderList& headers, Sink& sink) {
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(options.connect_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(options.total_timeout.count()));
  if (!options.user_agent.empty()) {
    curl_easy_setopt(easy, CURLOPT_USERAGENT, options.user_agent.c_str());
  }
  if (!options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, options.ca_file.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &TakeBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &sink);
  if (request.post) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.post->size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.post->c_str());
  }
}

HttpAnswer ReadAnswer(CURL* easy, Sink& sink) {
  HttpAnswer answer;
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  answer.content_type = LowerCase(HeaderOf(easy, "Content-Type"));
  answer.server = HeaderOf(easy, "Server");
  answer.date = ParseHttpDate(HeaderOf(easy, "Date"));
  const std::string retry_after = HeaderOf(easy, "Retry-After");
  if (!retry_after.empty()) {
    answer.retry_after = ParseRetryAfter(retry_after, answer.date);
  }
  curl_off_t took_us = 0;
  curl_easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took_us);
  answer.took = Duration(took_us / 1000);
  answer.body = std::move(sink.body);
  return answer;
}

}  // namespace

Result<HttpAnswer> CurlDoor::SendOnce(const HttpRequest& request,
                                      const std::string& url,
                                      std::string& redirect) {
  CURL* const easy = handles_->easy;
  const HeaderList headers(request.headers);
  Sink sink{"", options_.largest_body};
  SetOptions(easy, options_, url, request, headers, sink);
  const auto code = Perform(handles_->multi, easy, aborted_);
  const std::string place = PlaceOf(url);
  if (!code) return absl::CancelledError(place + ": carbond is stopping");
  if (sink.too_large) {
    return absl::ResourceExhaustedError(
        fmt::format("{}: the answer is larger than {} KiB", place,
                    options_.largest_body / 1024));
  }
  if (*code != CURLE_OK) {
    return Trouble("{}: {}", place, InWords(*code, easy, options_));
  }
  HttpAnswer answer = ReadAnswer(easy, sink);
  char* target = nullptr;
  curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &target);
  if (target != nullptr) redirect = target;
  if (answer.status >= 400) BlotOutSecrets(request, answer.body);
  return answer;
}

Result<HttpAnswer> CurlDoor::Send(const HttpRequest& request) {
  const std::string origin = Url(request.url).Origin();
  std::string url = request.url;
  for (int redirects = 0;; ++redirects) {
    std::string next;
    auto answer = SendOnce(request, url, next);
    if (!answer.ok() || next.empty() || request.post) return answer;
    if (redirects == kMostRedirects) {
      return Trouble("{}: redirects without end", PlaceOf(request.url));
    }
    const std::string elsewhere = Url(next).Origin();
    if (elsewhere != origin) {
      return Trouble(
          "{}: redirects to {}, which is not followed: set `base_url` if that "
          "is where it moved, or log in if this is the network's own page",
          PlaceOf(request.url), elsewhere);
    }
    url = next;
  }
}

// ---- Texts -----------------------------------------------------------------

Secret BasicCredentials(const Secret& username, const Secret& password) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const Secret pair(username.Reveal() + ":" + password.Reveal());
  const std::string& plain = pair.Reveal();
  std::string text = "Basic ";
  text.reserve(text.size() + plain.size() * 4 / 3 + 4);  // one buffer to wipe
  for (size_t i = 0; i < plain.size(); i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) {
      bits = bits << 8 |
             (i + k < plain.size() ? static_cast<uint8_t>(plain[i + k]) : 0);
    }
    for (size_t k = 0; k < 4; ++k) {
      const bool padding = i + k > plain.size();
      text += padding ? '=' : kDigits[bits >> (18 - 6 * k) & 63];
    }
  }
  return Secret(std::move(text));
}

std::string PercentEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                       c == '.' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<uint8_t>(c));
    }
  }
  return encoded;
}

std::string PlaceOf(const std::string& url) {
  size_t begin = url.find("://");
  begin = begin == std::string::npos ? 0 : begin + 3;
  const size_t end = std::min(url.find_first_of("?#", begin), url.size());
  std::string place = url.substr(begin, end - begin);
  const size_t at = place.substr(0, place.find('/')).rfind('@');
  if (at != std::string::npos) place.erase(0, at + 1);
  return place;
}

}  // namespace carbond
