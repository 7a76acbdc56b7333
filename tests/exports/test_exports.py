"""The exports, read back by libraries of the tools that they are for."""

import base64
import json
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import rotel
from google.protobuf import json_format
from junitparser import JUnitXml
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import Trace, TrackEvent

REPOSITORY = pathlib.Path(__file__).parents[2]
PERFIDY = os.environ.get("PERFIDY", str(REPOSITORY / "target/debug/perfidy"))
FAILURES = [
    "seeds/standby/paused-leader-without-fencing-tokens-no-split-brain-bae20ea6.toml",
    "seeds/supervisor/ignored-veto-without-approval-binding-no-effect-after-veto-0ae08a38.toml",
]


def report(failure, form):
    command = [PERFIDY, "report", failure, "--format", form]
    return subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True).stdout


class OpenTelemetry(unittest.TestCase):
    def spans(self, failure):
        """The spans of a request that a receiver takes: every field has the name and the type of the schema."""
        request = json.loads(report(failure, "otlp"))
        # OTLP has ids in hexadecimal digits, where the JSON of protobuf would have base64.
        for resource in request["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    for key in ("traceId", "spanId", "parentSpanId"):
                        if key in span:
                            span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
        read = json_format.ParseDict(request, ExportTraceServiceRequest(), ignore_unknown_fields=False)
        return [span for resource in read.resource_spans for scope in resource.scope_spans for span in scope.spans]

    def test_every_span_has_a_parent_that_is_there_and_ids_of_the_right_length(self):
        for failure in FAILURES:
            spans = self.spans(failure)
            ids = {span.span_id for span in spans}
            self.assertEqual(len(ids), len(spans))
            self.assertEqual({len(span.trace_id) for span in spans}, {16})
            self.assertEqual({len(id) for id in ids}, {8})
            self.assertEqual(len([span for span in spans if not span.parent_span_id]), 1, "one is the whole run")
            for span in spans:
                self.assertTrue(not span.parent_span_id or span.parent_span_id in ids)
                self.assertGreaterEqual(span.end_time_unix_nano, span.start_time_unix_nano)

    def test_agents_tools_and_models_follow_the_conventions_for_generative_ai(self):
        needed = {
            "invoke_agent": {"gen_ai.agent.name"},
            "execute_tool": {"gen_ai.tool.name", "gen_ai.tool.call.id"},
            "chat": {"gen_ai.provider.name", "gen_ai.request.model", "gen_ai.usage.input_tokens"},
        }
        seen = set()
        for failure in FAILURES:
            for span in self.spans(failure):
                attributes = {attribute.key for attribute in span.attributes}
                operation = [a.value.string_value for a in span.attributes if a.key == "gen_ai.operation.name"]
                for name in operation:
                    seen.add(name)
                    self.assertTrue(span.name.startswith(name))
                    self.assertLessEqual(needed[name], attributes)
        self.assertEqual(seen, set(needed))

    def test_the_run_says_what_broke_and_faults_are_events(self):
        spans = self.spans(FAILURES[0])
        root = next(span for span in spans if not span.parent_span_id)
        self.assertIn("no-split-brain broke", root.status.message)
        self.assertIn("perfidy.fault", {event.name for span in spans for event in span.events})


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Collector:
    """A collector of OpenTelemetry, which takes traces by HTTP and logs what it has taken."""

    def __init__(self, folder):
        self.log = pathlib.Path(folder) / "log"
        self.endpoint = f"127.0.0.1:{free_port()}"
        options = {
            "--exporter": "blackhole",
            "--debug-log": "traces",
            "--debug-log-verbosity": "detailed",
            "--otlp-http-endpoint": self.endpoint,
            "--otlp-grpc-endpoint": f"127.0.0.1:{free_port()}",
            "--pid-file": str(pathlib.Path(folder) / "pid"),
        }
        program = pathlib.Path(rotel.__file__).parent / "rotel-agent"
        words = [word for option in options.items() for word in option]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program, "start", *words], stdout=log, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def takes(self, body):
        """Sends a request, again until the collector listens; its answer."""
        request = urllib.request.Request(f"http://{self.endpoint}/v1/traces", body, {"content-type": "application/json"})
        while self.process.poll() is None:
            try:
                with urllib.request.urlopen(request, timeout=60) as response:
                    return response.status, json.load(response)
            except urllib.error.HTTPError as error:
                return error.code, error.read()
            except urllib.error.URLError:
                time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def logged(self, spans):
        """What it has logged, once that is so many spans."""
        for _ in range(600):
            text = self.log.read_text()
            if len(re.findall(r"^Span #", text, re.MULTILINE)) >= spans and text.endswith("\n"):
                return text
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())


class OpenTelemetryCollector(unittest.TestCase):
    def test_it_takes_every_span_as_it_was_meant(self):
        for failure in FAILURES:
            body = report(failure, "otlp")
            request = json.loads(body)
            spans = [s for r in request["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]
            with tempfile.TemporaryDirectory() as folder, Collector(folder) as collector:
                status, answer = collector.takes(body)
                self.assertEqual(status, 200, answer)
                self.assertFalse(answer.get("partialSuccess"), answer)
                log = collector.logged(len(spans))
            for field, key in (("ID", "spanId"), ("Trace ID", "traceId"), ("Name", "name")):
                logged = re.findall(rf"^ +{field} +: (.*)$", log, re.MULTILINE)
                self.assertEqual(sorted(logged), sorted(span[key] for span in spans), field)


class Perfetto(unittest.TestCase):
    def test_every_event_is_on_a_track_and_every_slice_ends(self):
        for failure in FAILURES:
            trace = Trace.FromString(report(failure, "perfetto"))
            tracks, open_slices, begun, ended, before = {}, {}, set(), set(), 0
            for packet in trace.packet:
                if packet.HasField("track_descriptor"):
                    descriptor = packet.track_descriptor
                    self.assertTrue(not descriptor.parent_uuid or descriptor.parent_uuid in tracks)
                    tracks[descriptor.uuid] = descriptor.name
                    continue
                event = packet.track_event
                self.assertIn(event.track_uuid, tracks)
                self.assertGreaterEqual(packet.timestamp, before)
                before = packet.timestamp
                depth = open_slices.get(event.track_uuid, 0)
                if event.type == TrackEvent.TYPE_SLICE_BEGIN:
                    open_slices[event.track_uuid] = depth + 1
                elif event.type == TrackEvent.TYPE_SLICE_END:
                    self.assertGreater(depth, 0)
                    open_slices[event.track_uuid] = depth - 1
                begun.update(event.flow_ids)
                ended.update(event.terminating_flow_ids)
            self.assertFalse(any(open_slices.values()), "what has begun has ended")
            self.assertTrue(ended and ended <= begun, "each message that arrives was sent")
            self.assertIn("user", tracks.values())


class JUnit(unittest.TestCase):
    def verdicts(self, scenario, *options):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "verdicts.xml"
            command = [PERFIDY, "run", scenario, "--save", "none", "--junit", str(file), *options]
            subprocess.run(command, cwd=REPOSITORY, capture_output=True)
            return JUnitXml.fromfile(str(file))

    def test_each_case_is_a_test_of_the_suite_of_its_scenario(self):
        verdicts = self.verdicts("scenarios/conductor/lost-ack.toml", "--seeds", "300")
        suites = list(verdicts)
        self.assertEqual([suite.name for suite in suites], ["conductor/lost-ack"])
        names = [test.name for test in suites[0]]
        self.assertEqual(names[0], "as written")
        self.assertIn("without idempotency-keys", names)
        self.assertEqual(suites[0].tests, len(names))
        self.assertTrue(all(test.is_passed for test in suites[0]))

    def test_a_case_that_was_not_caught_in_few_seeds_is_an_error_and_no_pass(self):
        verdicts = self.verdicts("scenarios/conductor/lost-ack.toml", "--seeds", "1")
        results = [type(result).__name__ for suite in verdicts for test in suite for result in test.result]
        self.assertIn("Error", results)


if __name__ == "__main__":
    unittest.main()
