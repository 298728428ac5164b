#!/usr/bin/env python3
"""A stand-in for four grid services, over real sockets, from a recording.

It speaks WattTime v3 (login, forecast, historical, my-access,
region-from-loc), Electricity Maps v3 and v4 (latest, history, forecast, zones), Great Britain's Carbon Intensity API (national and
regional) and the Carbon Aware SDK's WebAPI. The recording is moved by whole
days and repeated, so that it always covers the present; forecasts are what will
be shown. What this is good for: tests, and trying carbond's providers out
without an account:

    tests/grid_server/grid_server.py --port 8080

    providers:
      wt: {type: watttime, base_url: http://127.0.0.1:8080,
           username_env: WATTTIME_USER, password_env: WATTTIME_PASSWORD}

with the user `carbond` and the password `sesame`; Electricity Maps' key is
`em-key`. Faults are ordered by POST /control with a JSON object:

    {"fault": NAME, "path": "/v3/forecast", "times": 3}   times 0: until cleared
    {"clear": true} {"expire_tokens": true} {"quota": 10} {"token_life_s": 60}

where NAME is one of FAULTS below and path a part of the path (absent: any).
GET /control says what was asked so far.
"""

import argparse
import base64
import csv
import datetime
import gzip
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
RECORDING = os.path.join(HERE, "../../deploy/data/california-moer.csv.gz")
LB_PER_MWH = 0.45359237  # g/kWh in one
DAY = 86400
# What an account may read, and places by latitude and longitude.
PLAN = ("CAISO_NORTH", "DE", "SE")
PLACES = {"CAISO_NORTH": (37.3, -121.9), "DE": (50.1, 8.7), "SE": (59.3, 18.1)}
HTML = ("<html><head><title>{0}</title></head><body><center><h1>{0}</h1>"
        "</center><hr><center>nginx</center></body></html>")


def instant(text):
    """Seconds since 1970 of the forms that the services take."""
    text = text.replace("Z", "+00:00")
    return int(datetime.datetime.fromisoformat(text).timestamp())


def stamp(t, form="%Y-%m-%dT%H:%M:%S+00:00"):
    return datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime(form)


class Grid:
    """Intensities in g/kWh at any instant, from a recording that repeats."""

    def __init__(self, path):
        opened = gzip.open if path.endswith(".gz") else open
        with opened(path, "rt", encoding="utf-8") as f:
            rows = [(instant(r["time_utc"]), float(r["gco2_per_kwh"]))
                    for r in csv.DictReader(f)]
        self.begin = rows[0][0] // DAY * DAY
        self.step = rows[1][0] - rows[0][0]
        self.period = -(-(rows[-1][0] + self.step - self.begin) // DAY) * DAY
        self.values = dict(rows)

    def at(self, t):
        within = (t - self.begin) % self.period
        return self.values.get(self.begin + within // self.step * self.step)

    def mean(self, begin, length):
        values = [self.at(t) for t in range(begin, begin + length, self.step)]
        values = [v for v in values if v is not None]
        return sum(values) / len(values) if values else None


def zone_of(latitude, longitude):
    """The zone of a place; None where there is none within five degrees."""
    for zone, (north, east) in PLACES.items():
        if abs(float(latitude) - north) < 5 and abs(float(longitude) - east) < 5:
            return zone
    return None


class State:
    """What the control endpoint orders and counts; one lock."""

    def __init__(self, token_life_s, quota, issue_s):
        self.issue_s = issue_s
        self.lock = threading.Lock()
        self.faults = []
        self.tokens = {}  # to the end of their life, monotonic
        self.token_life_s = token_life_s
        self.quota = quota
        self.logins = 0
        self.asked = {}
        self.agents = set()

    def control(self, order):
        with self.lock:
            if "fault" in order:
                if order["fault"] not in FAULTS:
                    raise ValueError("no fault is called %s" % order["fault"])
                self.faults.append(dict(order))
            if order.get("clear"):
                self.faults.clear()
            if order.get("expire_tokens"):
                self.tokens.clear()
            self.quota = order.get("quota", self.quota)
            self.token_life_s = order.get("token_life_s", self.token_life_s)

    def count(self, path, agent):
        with self.lock:
            self.asked[path] = self.asked.get(path, 0) + 1
            self.agents.add(agent)

    def fault(self, path):
        with self.lock:
            for fault in self.faults:
                if fault.get("path", "") not in path:
                    continue
                if fault.get("times", 0) > 0:
                    fault["times"] -= 1
                    if fault["times"] == 0:
                        self.faults.remove(fault)
                return fault["fault"]
        return None

    def take_quota(self):
        with self.lock:
            if self.quota is None:
                return True
            self.quota -= 1
            return self.quota >= 0

    def new_token(self):
        with self.lock:
            self.logins += 1
            token = "token-%d-%d" % (self.logins, os.getpid())
            self.tokens[token] = time.monotonic() + self.token_life_s
            return token

    def knows(self, token):
        with self.lock:
            return self.tokens.get(token, 0) > time.monotonic()

    def report(self):
        with self.lock:
            return {"logins": self.logins, "asked": dict(self.asked),
                    "agents": sorted(self.agents)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    grid = None
    state = None

    def log_message(self, form, *words):
        pass

    # ---- Answers ----

    def reply(self, status, body, kind="application/json", headers=()):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def reply_json(self, value, status=200):
        self.reply(status, json.dumps(value))

    def reply_html(self, status, title):
        self.reply(status, HTML.format(title), "text/html")

    # ---- The way of a request ----

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/control":
            return self.reply_json({"error": "not found"}, 404)
        try:
            self.state.control(json.loads(text))
        except (ValueError, KeyError) as e:
            return self.reply_json({"error": str(e)}, 400)
        return self.reply_json(self.state.report())

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        path = urllib.parse.unquote(url.path)
        if path == "/control":
            return self.reply_json(self.state.report())
        self.state.count(path, self.headers.get("User-Agent", ""))
        fault = self.state.fault(path)
        if fault in WHOLE:
            return WHOLE[fault](self)
        if not self.state.take_quota():
            return self.reply_json({"error": "quota exhausted"}, 429)
        answer = self.route(path, query)
        if answer is None:
            return None  # was replied to
        text = json.dumps(answer)
        if fault in CHANGES:
            text = CHANGES[fault](text)
        return self.reply(200, text)

    def route(self, path, query):
        part = path.strip("/").split("/")
        if path == "/login":
            return self.login()
        if path.startswith("/v3/") and len(part) == 2 and part[1] in (
                "forecast", "historical", "my-access", "region-from-loc"):
            return self.watttime(path, query)
        if len(part) == 2 and part[1] == "zones":
            return self.electricity_maps("zones", query)
        if len(part) == 3 and part[1] == "carbon-intensity":
            return self.electricity_maps(part[2], query)
        if part[0] == "intensity" and len(part) == 3:
            return {"data": self.half_hours(part[1], part[2], True)}
        if part[:2] == ["regional", "intensity"] and len(part) == 6:
            return {"data": {"regionid": int(part[5]), "shortname": "test",
                             "data": self.half_hours(part[2], part[3], False)}}
        if path == "/emissions/forecasts/current":
            return self.sdk_forecast(query["location"])
        if path == "/emissions/bylocation":
            return self.sdk_observed(query)
        return self.reply_json({"error": "not found"}, 404)

    def issued_at(self):
        return int(time.time()) // self.state.issue_s * self.state.issue_s

    # ---- WattTime ----

    def login(self):
        wanted = "Basic " + base64.b64encode(b"carbond:sesame").decode()
        if self.headers.get("Authorization") != wanted:
            return self.reply_html(403, "403 Forbidden")
        return {"token": self.state.new_token()}

    def watttime(self, path, query):
        words = self.headers.get("Authorization", "").split(" ")
        if words[0] != "Bearer" or not self.state.knows(words[-1]):
            return self.reply_json({"error": "Unauthorized",
                                    "message": "Your token has expired"}, 401)
        if path == "/v3/my-access":
            return {"signal_types": [{
                "signal_type": query["signal_type"],
                "regions": [{"region": zone, "endpoints": [
                    {"endpoint": "v3/forecast", "models": []},
                    {"endpoint": "v3/historical", "models": []}]}
                            for zone in PLAN]}]}
        if path == "/v3/region-from-loc":
            zone = zone_of(query["latitude"], query["longitude"])
            if zone is None:
                return self.reply_json({"error": "No coverage available for these "
                                        "coordinates and signal_type"}, 404)
            return {"region": zone, "region_full_name": zone,
                    "signal_type": query["signal_type"]}
        if query["region"] == "NOT_IN_PLAN":
            return self.reply_json({"error": "Invalid query parameters",
                                    "message": "Invalid scope. No access."}, 403)
        now = int(time.time()) // 300 * 300
        if path == "/v3/forecast":
            begin = now
            count = max(1, int(query.get("horizon_hours", 24)) * 12)
        else:
            begin = -(-instant(query["start"]) // 300) * 300
            count = (min(instant(query["end"]), now - 300) - begin) // 300 + 1
        meta = {"data_point_period_seconds": 300, "region": query["region"],
                "signal_type": query["signal_type"],
                "units": "lbs_co2_per_mwh", "warnings": [],
                "model": {"date": "2023-03-01"}}
        if path == "/v3/forecast":
            meta["generated_at"] = stamp(self.issued_at())
            meta["generated_at_period_seconds"] = self.state.issue_s
        return {"data": [{"point_time": stamp(t),
                          "value": self.grid.at(t) / LB_PER_MWH}
                         for t in range(begin, begin + 300 * count, 300)
                         if self.grid.at(t) is not None], "meta": meta}

    # ---- Electricity Maps ----

    def electricity_maps(self, verb, query):
        if self.headers.get("auth-token") != "em-key":
            return self.reply_json({"error": "Invalid auth-token"}, 401)
        if verb == "zones":
            return {zone: {"zoneName": zone, "access": ["*"]} for zone in PLAN}
        if "lat" in query:
            query["zone"] = zone_of(query["lat"], query["lon"])
        form = "%Y-%m-%dT%H:%M:%S.000Z"
        hour = int(time.time()) // 3600 * 3600

        def point(t):
            return {"zone": query["zone"], "datetime": stamp(t, form),
                    "carbonIntensity": self.grid.mean(t, 3600)}

        if verb == "latest":
            return dict(point(hour), temporalGranularity="hourly")
        if verb == "history":
            return {"zone": query["zone"], "temporalGranularity": "hourly",
                    "history": [point(hour - 3600 * i) for i in range(23, -1, -1)]}
        if verb == "forecast":
            count = int(query.get("horizonHours", 24))
            return {"zone": query["zone"], "temporalGranularity": "hourly",
                    "updatedAt": stamp(hour + 60, form),
                    "forecast": [point(hour + 3600 * i) for i in range(count)]}
        return self.reply_json({"error": "Endpoint not available"}, 403)

    # ---- Great Britain ----

    def half_hours(self, begin, end, national):
        now = int(time.time())
        first = instant(begin) // 1800 * 1800
        ahead = {"fw24h": 48, "fw48h": 96}.get(end)
        last = first + ahead * 1800 if ahead else instant(end)
        slots = []
        for t in range(first, last, 1800):
            value = round(self.grid.mean(t, 1800))
            intensity = {"forecast": value, "index": "moderate"}
            if national:
                intensity["actual"] = value if t + 3600 <= now else None
            slots.append({"from": stamp(t, "%Y-%m-%dT%H:%MZ"),
                          "to": stamp(t + 1800, "%Y-%m-%dT%H:%MZ"),
                          "intensity": intensity})
        return slots

    # ---- Carbon Aware SDK ----

    def sdk_forecast(self, location):
        now = int(time.time()) // 300 * 300
        return [{"generatedAt": stamp(self.issued_at()), "requestedAt": stamp(now),
                 "location": location,
                 "forecastData": [{"location": "GRID", "timestamp": stamp(t),
                                   "duration": 5, "value": self.grid.at(t)}
                                  for t in range(now, now + DAY, 300)]}]

    def sdk_observed(self, query):
        begin = -(-instant(query["time"]) // 300) * 300
        end = min(instant(query["toTime"]), int(time.time()) // 300 * 300)
        return [{"location": "GRID", "time": stamp(t), "duration": "00:05:00",
                 "rating": self.grid.at(t)} for t in range(begin, end, 300)]

    # ---- Faults that are a whole answer ----

    def slow_loris(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        try:
            for _ in range(1000):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(1)
        except OSError:
            pass  # the client has left: that is what was wanted of it
        self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # A client that leaves, or wants no such certificate, is what is tested.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


WHOLE = {
    "204": lambda h: h.reply(204, ""),
    "401": lambda h: h.reply_json({"error": "Unauthorized"}, 401),
    "403_html": lambda h: h.reply_html(403, "403 Forbidden"),
    "403_scope": lambda h: h.reply_json({"message": "Invalid scope."}, 403),
    "429": lambda h: h.reply_json({"error": "too many"}, 429),
    "429_retry_after": lambda h: h.reply(429, "{}", "application/json",
                                         [("Retry-After", "15")]),
    "500": lambda h: h.reply_json({"error": "oops"}, 500),
    "502_html": lambda h: h.reply_html(502, "502 Bad Gateway"),
    "empty": lambda h: h.reply(200, ""),
    "portal": lambda h: h.reply_html(200, "Please log in"),
    "huge": lambda h: h.reply(200, b"[" + b" " * (9 << 20) + b"]"),
    "slow_loris": Handler.slow_loris,
}
# Faults that change a good answer's text.
CHANGES = {
    "truncated": lambda text: text[:len(text) // 2],
    "nulls": lambda text: json.dumps(with_nulls(json.loads(text))),
    "wrong_zone": lambda text: text.replace('"region": "', '"region": "NOT_'),
}
FAULTS = sorted([*WHOLE, *CHANGES])


def with_nulls(value):
    """Every value of an intensity becomes null."""
    if isinstance(value, list):
        return [with_nulls(v) for v in value]
    if not isinstance(value, dict):
        return value
    names = ("value", "carbonIntensity", "forecast", "actual", "rating")
    return {k: None if k in names and not isinstance(v, (list, dict))
            else with_nulls(v) for k, v in value.items()}


def serve(port, recording=RECORDING, tls=None, token_life_s=1800, quota=None,
          issue_s=300):
    """A server that is not running yet, listening already."""
    handler = type("GridHandler", (Handler,),
                   {"grid": Grid(recording),
                    "state": State(token_life_s, quota, issue_s)})
    server = Server(("127.0.0.1", port), handler)
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--recording", default=RECORDING,
                        help="time_utc,gco2_per_kwh (.csv or .csv.gz)")
    parser.add_argument("--tls", metavar="PEM", help="key and certificate")
    parser.add_argument("--token-life", type=float, default=1800)
    parser.add_argument("--quota", type=int, help="requests until it is used up")
    parser.add_argument("--issue-s", type=int, default=300,
                        help="seconds between two forecasts")
    options = parser.parse_args()
    server = serve(options.port, options.recording, options.tls,
                   options.token_life, options.quota, options.issue_s)
    print("http%s://127.0.0.1:%d" % ("s" if options.tls else "",
                                     server.server_address[1]), flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
