import Foundation
import Testing

@testable import Providers

struct SpawnedProcessTests {
  @Test func `a child inherits no descriptor, no secret and no ignored signal`() async throws {
    let file = open("/etc/hostname", O_RDONLY)  // without close-on-exec, as the wires' libraries open theirs
    defer { close(file) }
    signal(SIGUSR1, SIG_IGN)
    defer { signal(SIGUSR1, SIG_DFL) }
    let environment = SpawnedProcess.minimalEnvironment(from: ["PATH": "/bin:/usr/bin", "OPENAI_API_KEY": "secret"])
    let run = try await CapturedRun.of(
      "sh", ["-c", "env; echo fds:; ls /proc/self/fd | wc -l; grep SigIgn /proc/self/status; cat"],
      environment: environment, input: Array("the input".utf8), limit: 1 << 20)
    let output = String(decoding: run.output, as: UTF8.self)
    #expect(run.exit == .status(0))
    #expect(!output.contains("secret"))
    #expect(output.contains("fds:\n4\n"))  // three, and the listing's own
    let ignored = try #require(output.split(separator: "\n").first { $0.hasPrefix("SigIgn:") }?.suffix(16))
    #expect(try #require(UInt64(ignored, radix: 16)) & 0x7FFF_FFFF == 0)  // 32 and 33 belong to the C library
    #expect(output.hasSuffix("the input"))
  }

  @Test func `output beyond the limit ends the program`() async throws {
    let run = try await CapturedRun.of(
      "sh", ["-c", "yes"], environment: ["PATH": "/bin:/usr/bin"], input: [], limit: 100_000)
    #expect(run.overflowed)
    #expect(run.exit == .signal(SIGKILL))
    #expect(run.output.count < 400_000)
  }

  @Test func `a program that does not read its input is no hindrance`() async throws {
    let run = try await CapturedRun.of(
      "true", [], environment: ["PATH": "/bin:/usr/bin"], input: [UInt8](repeating: 65, count: 1 << 20), limit: 10)
    #expect(run.exit == .status(0))
    #expect(run.output.isEmpty)
  }

  @Test func `what a program leaves running in its group ends with it`() async throws {
    let run = try await CapturedRun.of(
      "sh", ["-c", "sleep 600 >/dev/null & echo $!"], environment: ["PATH": "/bin:/usr/bin"], input: [], limit: 100)
    let pid = try #require(Int32(String(decoding: run.output, as: UTF8.self).dropLast()))
    try await Task.detached {
      // The orphan is reaped by init; a moment may pass until its number is gone.
      let end = ContinuousClock.now + .seconds(60)
      while kill(pid, 0) == 0, try !isZombie(pid), ContinuousClock.now < end { await Task.yield() }
    }.value
    #expect(try kill(pid, 0) != 0 || isZombie(pid))
  }
}

/// Killed but not reaped yet; in a container without an init process it stays so.
func isZombie(_ pid: Int32) throws -> Bool {
  guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return true }
  return String(decoding: data, as: UTF8.self).split(separator: ")").last?.hasPrefix(" Z") == true
}
