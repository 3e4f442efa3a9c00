import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

struct ArtifactStoreTests {
  @Test func `an artifact is named after its attempt and described in full`() async throws {
    let directory = try TestDirectory("artifacts")
    let store = ArtifactStore(directory: directory.file("new/place").path + "/")
    let artifact = try await store.write(Array("abc".utf8), attemptID: "job-1/m4x2k9/2", type: .wav)
    #expect(artifact.path == directory.file("new/place/job-1.m4x2k9.2.wav").path)
    #expect(artifact.bytes == 3)
    #expect(artifact.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(try Data(contentsOf: URL(filePath: artifact.path)) == Data("abc".utf8))
    let members = #""path":"\#(artifact.path)","mediaType":"audio/wav","bytes":3,"sha256":"\#(artifact.sha256)""#
    #expect(String(decoding: artifact.output, as: UTF8.self) == #"{"artifact":{\#(members)}}"#)
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.directory) == ["job-1.m4x2k9.2.wav"])
  }

  @Test(arguments: [
    ("a/b/1", "a.b.1.json"), ("..", "%2E..json"), ("../../etc/passwd", "%2E.....etc.passwd.json"),
    ("-rf/r/1", "%2Drf.r.1.json"), (".hidden/r/1", "%2Ehidden.r.1.json"), ("/abs/r/1", "%2Fabs.r.1.json"),
    ("a b\n\0é/r/1", "a%20b%0A%00%C3%A9.r.1.json"), ("user:1@x/r/1", "user:1@x.r.1.json"),
  ])
  func `no name leaves the directory, hides or looks like an option`(attemptID: String, name: String) {
    #expect(ArtifactStore.fileName(attemptID: attemptID, part: 1, type: .json) == name)
  }

  @Test func `a name is never too long for a file system`() {
    let long = String(repeating: "é", count: 128) + "/r/1"
    let name = ArtifactStore.fileName(attemptID: long, part: 10, type: .json)
    #expect(name.utf8.count < 100)
    #expect(name != ArtifactStore.fileName(attemptID: long + "1", part: 10, type: .json))
    let longest = String(repeating: "a", count: 128) + "/" + String(repeating: "r", count: 60) + "/1"
    #expect(ArtifactStore.fileName(attemptID: longest, part: 2, type: .wav).hasSuffix("r.1-2.wav"))
  }

  @Test func `an artifact replaces what stands under its name, also a link`() async throws {
    let directory = try TestDirectory("artifacts")
    let precious = directory.file("precious")
    try Data("precious".utf8).write(to: precious)
    try FileManager.default.createSymbolicLink(at: directory.file("j.r.1.txt"), withDestinationURL: precious)
    let store = ArtifactStore(directory: directory.url.path)
    _ = try await store.write(Array("new".utf8), attemptID: "j/r/1", type: .text)
    #expect(try String(contentsOf: precious, encoding: .utf8) == "precious")
    #expect(try String(contentsOf: directory.file("j.r.1.txt"), encoding: .utf8) == "new")
  }

  @Test func `a store that cannot write says so, and the call still counts as made`() async throws {
    let directory = try TestDirectory("artifacts")
    try Data().write(to: directory.file("file"))
    let store = ArtifactStore(directory: directory.file("file").path)
    let fault = await #expect(throws: ArtifactFault.self) {
      try await store.write([1], attemptID: "j/r/1", type: .wav)
    }
    let failure = try #require(fault).failure(usage: [Usage(.characters, ExactDecimal(1), .measured)])
    #expect(failure.kind == .local)
    #expect(failure.reachedProvider)
    #expect(failure.usage.count == 1)
  }
}
