import Foundation
import TestKit
import Testing

@Suite struct TestDirectoryTests {
  @Test func `it goes with the last reference to it`() throws {
    var directory: TestDirectory? = try TestDirectory()
    let path = try #require(directory?.url.path)
    #expect(FileManager.default.fileExists(atPath: path))
    directory = nil
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func `the package root has the manifest`() {
    let manifest = TestDirectory.packageRoot.appending(path: "Package.swift").path
    #expect(FileManager.default.fileExists(atPath: manifest))
  }

  @Test func `namespaces differ and are plain`() {
    let names = (0..<1000).map { _ in Namespace.unique() }
    #expect(Set(names).count == 1000)
    #expect(names.allSatisfy { $0.count <= 24 && $0.wholeMatch(of: /[a-z0-9-]+/) != nil })
  }

  @Test func `a free port refuses connections`() async throws {
    let port = try freePort()
    let probe = try await FinishedCommand.run(["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/\(port)"])
    #expect(probe.ending == .exited(1))
  }
}
