import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

/// A serving process for tests: chat on a Unix socket. The prompt `crash` ends it, `env` answers with its environment.
/// Arguments: `deaf` ignores its standard input and SIGTERM, `mute` never serves, `silent` never answers. Writes its
/// process id to `pid`.
private let stub = #"""
  import http.server, json, os, signal, socketserver, sys, threading, time

  class Handler(http.server.BaseHTTPRequestHandler):
      protocol_version = "HTTP/1.1"
      def do_GET(self):
          if "silent" in sys.argv:
              time.sleep(600)
          self.answer({"object": "list", "data": []})
      def do_POST(self):
          body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
          prompt = body["messages"][0]["content"]
          if prompt == "crash":
              os._exit(3)
          names = ",".join(sorted(os.environ))
          text = names + " " + os.environ["TOLLWAY_MODELS"] if prompt == "env" else str(os.getpid())
          self.answer({"choices": [{"message": {"content": text}}]})
      def answer(self, document):
          data = json.dumps(document).encode()
          self.send_response(200)
          self.send_header("Content-Length", str(len(data)))
          self.end_headers()
          self.wfile.write(data)
      def address_string(self):
          return ""
      def log_message(self, *_):
          pass

  class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
      daemon_threads = True

  with open(os.path.join(os.path.dirname(__file__), "pid"), "a") as file:
      file.write(f"{os.getpid()}\n")
  if "deaf" in sys.argv:
      signal.signal(signal.SIGTERM, signal.SIG_IGN)
  else:
      threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
  if "mute" in sys.argv:
      time.sleep(600)
  Server(os.environ["TOLLWAY_SOCKET"], Handler).serve_forever()
  """#

/// A `LocalProvider` over the stub. Call `end` at the end of a test.
final class LocalStub: Sendable {
  let provider: LocalProvider
  let directory: String

  init(
    in directory: String, arguments: [String] = [], command: [String]? = nil, patience: Duration = .seconds(30)
  ) throws {
    self.directory = directory
    try Data(stub.utf8).write(to: URL(filePath: directory + "/stub.py"))
    provider = LocalProvider(
      definition(named: "stub", kind: .local, command: command ?? ["python3", directory + "/stub.py"] + arguments),
      models: ["a", "b"], http: testHTTP, artifacts: ArtifactStore(directory: directory),
      environment: ProcessInfo.processInfo.environment.merging(["OPENAI_API_KEY": "sk-x"]) { _, new in new },
      patience: patience, logger: silentLogger)
  }

  func say(_ prompt: String, within limit: Duration = .seconds(30)) async throws -> ProviderAnswer {
    await provider.call(try call(.llm, #"{"prompt":"\#(prompt)"}"#, within: limit))
  }

  /// Of every start so far.
  func processIDs() throws -> [Int32] { try Self.processIDs(in: directory) }

  static func processIDs(in directory: String) throws -> [Int32] {
    try String(contentsOfFile: directory + "/pid", encoding: .utf8).split(separator: "\n").compactMap { Int32($0) }
  }

  func end() async { await provider.shutdown() }
}

struct LocalProviderTests {
  let directory: TestDirectory

  init() throws { directory = try TestDirectory("local") }

  @Test func `the process is started by the first call and serves the next ones`() async throws {
    let stub = try LocalStub(in: directory.url.path)
    let first = try await stub.say("hi").reply()
    let second = try await stub.say("hi").reply()
    #expect(first.text == second.text)
    #expect(try stub.processIDs().count == 1)
    await stub.end()
    #expect(try stub.processIDs().allSatisfy { kill($0, 0) != 0 })
  }

  // More at once than the stub's queue of connections holds (5): a full one is waited for.
  @Test func `calls that come while it starts share one process`() async throws {
    let stub = try LocalStub(in: directory.url.path)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<60 {
        group.addTask {
          do { _ = try await stub.say("hi").reply() } catch { Issue.record(error) }
        }
      }
    }
    #expect(try stub.processIDs().count == 1)
    await stub.end()
  }

  @Test func `the process gets its models and socket, and no secrets`() async throws {
    let stub = try LocalStub(in: directory.url.path)
    let text = try await stub.say("env").reply().text
    #expect(text.contains("TOLLWAY_MODELS,TOLLWAY_SOCKET"))
    #expect(text.contains("a,b"))
    #expect(!text.contains("OPENAI_API_KEY"))
    await stub.end()
  }

  @Test func `a crash loses the call, rests shortly and starts anew`() async throws {
    let stub = try LocalStub(in: directory.url.path)
    _ = try await stub.say("hi").reply()
    #expect(try await stub.say("crash").failure().kind == .lost)
    try await waitUntil("calls fail at once") {
      guard case .failure(let failure) = try await stub.say("hi") else { return false }
      return failure.kind == .unreachable && failure.detail == "the serving process ended with status 3"
    }
    try await waitUntil("it serves again") {
      if case .success = try await stub.say("hi") { true } else { false }
    }
    #expect(try stub.processIDs().count == 2)
    await stub.end()
  }

  @Test func `a missing command is a fault of ours that the next provider makes good`() async throws {
    let stub = try LocalStub(in: directory.url.path, command: ["no-such-command"])
    let failure = try await stub.say("hi").failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("no-such-command"))
    #expect(!failure.reachedProvider)
    await stub.end()
  }

  @Test func `a process that ends before it serves is a fault of ours`() async throws {
    let stub = try LocalStub(in: directory.url.path, command: ["sh", "-c", "exit 1"])
    let failure = try await stub.say("hi").failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("ended with status 1 before it was ready"))
    await stub.end()
  }

  @Test func `a process that never serves is ended`() async throws {
    let script = #"echo $$ > "$0"/pid; trap '' TERM; sleep 600"#
    let stub = try LocalStub(
      in: directory.url.path, command: ["sh", "-c", script, directory.url.path], patience: .seconds(1))
    let failure = try await stub.say("hi").failure()
    #expect(failure.kind == .unreachable)
    #expect(failure.detail.contains("did not answer"))
    try await waitUntil("the process is gone") { try stub.processIDs().allSatisfy { kill($0, 0) != 0 } }
    await stub.end()
  }

  @Test func `a process that takes connections and never answers is ended`() async throws {
    let stub = try LocalStub(in: directory.url.path, arguments: ["silent"], patience: .seconds(3))
    #expect(try await stub.say("hi").failure().kind == .unreachable)
    try await waitUntil("the process is gone") { try stub.processIDs().allSatisfy { kill($0, 0) != 0 } }
    await stub.end()
  }

  @Test func `whoever waits for the start can be cancelled and keeps its deadline`() async throws {
    let stub = try LocalStub(in: directory.url.path, arguments: ["mute"])
    #expect(try await stub.say("hi", within: .milliseconds(100)).failure().kind == .unreachable)
    let task = Task { try await stub.say("hi") }
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
    await stub.end()
  }

  @Test func `shutdown ends a process that ignores it, and what it left behind`() async throws {
    let stub = try LocalStub(in: directory.url.path, arguments: ["deaf"])
    _ = try await stub.say("hi").reply()
    await stub.end()
    #expect(try stub.processIDs().allSatisfy { kill($0, 0) != 0 })
    #expect(try await stub.say("hi").failure().kind == .unreachable)
  }

  @Test(arguments: ["", "deaf"])
  func `the process does not outlive a worker that is killed`(manner: String) async throws {
    let path = directory.url.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, manner = manner as String] in
      let stub = try LocalStub(in: path, arguments: [manner])
      _ = try await stub.say("hi").reply()
      kill(getpid(), SIGKILL)
    }
    let pids = try LocalStub.processIDs(in: path)
    #expect(pids.count == 1)
    try await waitUntil("the serving process is gone", within: .seconds(20)) {
      try pids.allSatisfy { try kill($0, 0) != 0 || isZombie($0) }
    }
  }
}

struct RestartBackoffTests {
  @Test func `rests double up to a minute, and a long life starts afresh`() {
    var backoff = RestartBackoff()
    let rests = (0..<8).map { _ in backoff.rest(afterLifetime: .seconds(2)) }
    #expect(rests == [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
    #expect(backoff.rest(afterLifetime: .seconds(60)) == .seconds(1))
  }
}
