import Foundation
import TestKit
import Testing

@Suite struct ChildProcessTests {
  @Test func `its exit code and both outputs are kept apart`() async throws {
    let finished = try await FinishedCommand.run(["sh", "-c", "echo told; echo complained >&2; exit 7"])
    #expect(finished.ending == .exited(7))
    #expect(finished.output == "told\n")
    #expect(finished.errors == "complained\n")
    #expect(throws: CommandFailure.self) { try finished.checked() }
  }

  @Test func `it gets what is given and nothing of the tests' environment`() async throws {
    setenv("TOLLWAY_MEANT_FOR_TESTS", "1", 1)
    let output = try await FinishedCommand.run(["env"], environment: ["GIVEN": "yes"]).checked()
    let names = output.split(separator: "\n").compactMap { $0.split(separator: "=").first }
    #expect(names.contains("GIVEN"))
    #expect(names.contains("PATH"))
    #expect(!names.contains("TOLLWAY_MEANT_FOR_TESTS"))
  }

  @Test func `a signal ends it and is told`() async throws {
    let child = try ChildProcess("sleeper", ["sleep", "60"], in: TestDirectory())
    #expect(child.poll() == nil)
    child.signal(SIGKILL)
    #expect(try await child.end() == .killed(signal: SIGKILL))
  }

  @Test func `one that runs on is reported with its name`() async throws {
    let child = try ChildProcess("sleeper", ["sleep", "60"], in: TestDirectory())
    let failure = await #expect(throws: WaitFailure.self) { try await child.end(within: .milliseconds(50)) }
    #expect(failure?.description.contains("sleeper") == true)
  }

  @Test func `it dies with the last reference to it`() async throws {
    let directory = try TestDirectory()
    var child: ChildProcess? = try ChildProcess("sleeper", ["sleep", "60"], in: directory)
    let id = try #require(child?.processID)
    child = nil
    try await waitUntil("the process is gone") { kill(id, 0) != 0 }
  }

  @Test func `a program that does not exist fails with its name`() async throws {
    let finished = try await FinishedCommand.run(["no-such-program"])
    #expect(finished.ending == .exited(127))
    #expect(finished.errors.contains("no-such-program"))
  }
}
