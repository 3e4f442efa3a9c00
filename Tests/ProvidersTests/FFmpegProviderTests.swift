import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

struct FFmpegProviderTests {
  let directory: TestDirectory
  let artifacts: ArtifactStore
  let provider: FFmpegProvider

  init() throws {
    directory = try TestDirectory("film")
    artifacts = ArtifactStore(directory: directory.file("artifacts").path)
    provider = FFmpegProvider(name: "ffmpeg", artifacts: artifacts)
  }

  /// A tone as an artifact: its path.
  private func tone(_ name: String, seconds: Double, rate: Int = 22_050) async throws -> String {
    let samples = (0..<Int(seconds * Double(rate))).map { Int16($0 % 50 < 25 ? 6000 : -6000) }
    return try await artifacts.write(wav(rate: rate, samples: samples), attemptID: "\(name)/r/1", type: .wav).path
  }

  private func card(_ text: String, _ size: PictureSize) async throws -> String {
    let printer = CardPrinter(program: "rsvg-convert", environment: ProcessInfo.processInfo.environment)
    let picture = try await printer.picture(of: text, seed: text, size: size)
    return try await artifacts.write(picture, attemptID: "\(text)/r/1", type: .png).path
  }

  private func payload(
    _ scenes: [(image: String?, speech: String?)], inputs: [String: String], _ more: String = ""
  ) -> String {
    let listed = scenes.map { image, speech in
      let members = [image.map { #""image":"\#($0)""# }, speech.map { #""speech":"\#($0)""# }].compactMap { $0 }
      return "{" + (members + [#""caption":"A caption""#]).joined(separator: ",") + "}"
    }
    let given = inputs.map { id, path in
      #"{"id":"\#(id)","taskType":"image","output":{"artifact":{"path":"\#(path)"}}}"#
    }
    return #"{"scenes":[\#(listed.joined(separator: ","))],"inputs":[\#(given.joined(separator: ","))]\#(more)}"#
  }

  /// What ffprobe says, as `name=value` lines.
  private func probe(_ reply: ProviderReply) async throws -> [String: String] {
    let path = try #require(try reply.document()["artifact"]?["path"]?.string)
    let text = try await FinishedCommand.run([
      "ffprobe", "-v", "error", "-count_frames", "-show_entries",
      "format=duration:stream=codec_name,width,height,pix_fmt,r_frame_rate,nb_read_frames,duration,sample_rate",
      "-of", "flat=h=0", path,
    ]).checked()
    var found: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { found[String(parts[0])] = parts[1].trimmingCharacters(in: ["\""]) }
    }
    return found
  }

  private func isClose(_ text: String?, _ seconds: Double) -> Bool {
    text.flatMap { Double($0) }.map { abs($0 - seconds) <= seconds / 100 } ?? false
  }

  private var leftovers: [String] {
    get throws {
      try FileManager.default.contentsOfDirectory(atPath: FileManager.default.temporaryDirectory.path).filter {
        $0.hasPrefix("tollway-film-")
      }
    }
  }

  @Test func `scenes last as long as their narrations`() async throws {
    let inputs = [
      "i1": try await card("one", PictureSize(width: 300, height: 200)),
      "i2": try await card("two", PictureSize(width: 200, height: 300)), "s1": try await tone("s1", seconds: 1.234),
      "s2": try await tone("s2", seconds: 0.71, rate: 24_000), "s3": try await tone("s3", seconds: 2.5, rate: 48_000),
    ]
    let payload = payload(
      [("i1", "s1"), ("i2", "s2"), (nil, "s3")], inputs: inputs, #","size":"320x240","fps":30"#)
    let reply = try await provider.call(call(.video, payload, within: .seconds(240))).reply()
    #expect(reply.quantity(.videoSeconds) == "4.444")
    let found = try await probe(reply)
    #expect(isClose(found["format.duration"], 4.444), "\(found)")
    #expect(isClose(found["stream.0.duration"], 4.444), "\(found)")
    #expect(isClose(found["stream.1.duration"], 4.444), "\(found)")
    #expect(found["stream.0.codec_name"] == "h264")
    #expect(found["stream.0.pix_fmt"] == "yuv420p")
    #expect(found["stream.0.width"] == "320" && found["stream.0.height"] == "240")
    #expect(found["stream.0.r_frame_rate"] == "30/1")
    #expect(found["stream.0.nb_read_frames"] == "133")
    #expect(found["stream.1.codec_name"] == "aac")
    #expect(try reply.document()["artifact"]?["mediaType"]?.string == "video/mp4")
    let bytes = try reply.artifactBytes()
    let index = try #require(bytes.firstRange(of: Array("moov".utf8)))
    #expect(index.lowerBound < 100, "the index stands in front, so that players can begin before the end is there")
  }

  @Test func `many short scenes do not drift`() async throws {
    var inputs = ["i": try await card("one", PictureSize(width: 64, height: 64))]
    for number in 0..<12 { inputs["s\(number)"] = try await tone("s\(number)", seconds: 0.517) }
    let payload = payload((0..<12).map { ("i", "s\($0)") }, inputs: inputs, #","size":"64x64","fps":7"#)
    let reply = try await provider.call(call(.video, payload, within: .seconds(120))).reply()
    let found = try await probe(reply)
    #expect(isClose(reply.quantity(.videoSeconds), 12 * 0.517))
    #expect(found["stream.0.nb_read_frames"] == "43")
    #expect(isClose(found["stream.1.duration"], 12 * 0.517), "\(found)")
  }

  @Test(arguments: [
    (#"{"prompt":"The title","size":"320x180"}"#, 4.0),
    (#"{"prompt":"The title","size":"321x181","seconds":1.5}"#, 1.5),
    (#"{"scenes":[{"caption":"a"},{"prompt":"b"},{}],"size":"64x64","seconds":3}"#, 3),
    (#"{"scenes":[{"caption":"a"},{"caption":"b"}],"size":"64x64"}"#, 8),
  ])
  func `without narration there are cards and silence`(_ payload: String, _ seconds: Double) async throws {
    let reply = try await provider.call(call(.video, payload, within: .seconds(240))).reply()
    let found = try await probe(reply)
    #expect(isClose(found["format.duration"], seconds), "\(found)")
    #expect(isClose(found["stream.1.duration"], seconds), "\(found)")
    #expect(found["stream.0.nb_read_frames"] == "\(Int(seconds * 25))", "\(found)")
    #expect(isClose(reply.quantity(.videoSeconds), seconds))
  }

  @Test func `narration may be in other formats`() async throws {
    let tone = try await tone("t", seconds: 2)
    for (name, codec) in [("mp3", "libmp3lame"), ("flac", "flac"), ("aac", "aac"), ("opus", "libopus")] {
      let file = directory.file("artifacts").appending(path: "t.\(name)").path
      try await FinishedCommand.run([
        "ffmpeg", "-nostdin", "-loglevel", "error", "-i", tone, "-c:a", codec, file,
      ]).checked()
      let payload = payload([(nil, "s")], inputs: ["s": file], #","size":"64x64""#)
      let reply = try await provider.call(call(.video, payload, within: .seconds(240))).reply()
      let seconds = try #require(reply.quantity(.videoSeconds).flatMap { Double($0) })
      #expect(abs(seconds - 2) < 0.1, "\(name): \(seconds)")
    }
  }

  @Test func `a file that is no artifact of ours is the caller's error`() async throws {
    let outside = directory.file("outside.wav").path
    try Data(wav(samples: [Int16](repeating: 500, count: 4410))).write(to: URL(filePath: outside))
    _ = try await tone("inside", seconds: 0.1)
    let place = directory.file("artifacts")
    try FileManager.default.createSymbolicLink(
      atPath: place.appending(path: "link.wav").path, withDestinationPath: outside)
    try FileManager.default.createDirectory(at: place.appending(path: "folder.wav"), withIntermediateDirectories: true)
    try await FinishedCommand.run(["mkfifo", place.appending(path: "pipe.wav").path]).checked()
    try Data("not audio, not a picture".utf8).write(to: place.appending(path: "text.wav"))
    try Data("#EXTM3U\nfile:///etc/passwd\n".utf8).write(to: place.appending(path: "list.wav"))
    let paths = [
      outside, "\(place.path)/../outside.wav", "\(place.path)/link.wav", "\(place.path)/folder.wav",
      "\(place.path)/pipe.wav", "\(place.path)/missing.wav", "\(place.path)/text.wav", "\(place.path)/list.wav", "..",
      ".", "", "/", "a\\u0000b",
    ]
    for path in paths {
      for scene in [("x", nil), (nil, "x")] as [(String?, String?)] {
        let failure = try await provider.call(call(.video, payload([scene], inputs: ["x": path]))).failure()
        #expect(failure.kind == .caller, "\(path): \(failure.detail)")
        #expect(failure.detail.hasPrefix(scene.0 == nil ? "scenes[0].speech: " : "scenes[0].image: "))
        #expect(!failure.detail.contains("outside"))
      }
    }
    let unknown = try await provider.call(call(.video, payload([("i", nil)], inputs: [:]))).failure()
    #expect(unknown.kind == .caller)
    #expect(unknown.detail.hasPrefix("scenes[0].image: names no job"))
  }

  @Test(arguments: [
    #"{}"#, #"{"prompt":"a","size":"10x10"}"#, #"{"prompt":"a","fps":0}"#, #"{"prompt":"a","fps":"25"}"#,
    #"{"prompt":"a","seconds":61}"#, #"{"scenes":[{},{}],"seconds":0.1}"#,
    #"{"scenes":[\#(Array(repeating: "{}", count: 61).joined(separator: ","))]}"#,
  ])
  func `what it does not offer goes elsewhere`(_ payload: String) async throws {
    #expect(Capability.refusal(of: .ffmpeg, model: "ffmpeg", for: try job(.video, payload)) != nil)
    let failure = try await provider.call(call(.video, payload)).failure()
    #expect(failure.kind == .local)
    #expect(!failure.reachedProvider)
  }

  @Test func `a missing program is told with the remedy`() async throws {
    let provider = FFmpegProvider(name: "ffmpeg", program: "no-such-program", artifacts: artifacts)
    let failure = try await provider.call(call(.video, #"{"prompt":"a"}"#)).failure()
    #expect(failure.kind == .local)
    #expect(failure.detail == "ffmpeg is not installed: apt-get install ffmpeg")
    #expect(!failure.reachedProvider)
  }

  /// A stand-in for ffmpeg that writes its number and its words down, starts a child, and hangs. Another process writes
  /// it, because a file that this one has open for writing while it starts a child cannot be executed for a moment.
  private func hanging() async throws -> (provider: FFmpegProvider, mark: URL) {
    let mark = directory.file("mark")
    let program = directory.file("program").path
    let script = #"#!/bin/sh\necho "$@" > "\#(mark.path).words"\nsleep 600 &\necho $$ $! > "\#(mark.path)"\nwait\n"#
    let writing = #"printf "$1" > "$2" && chmod 755 "$2""#
    try await FinishedCommand.run(["sh", "-c", writing, "sh", script.replacing(#"\n"#, with: "\n"), program]).checked()
    return (FFmpegProvider(name: "ffmpeg", program: program, artifacts: artifacts), mark)
  }

  private func processes(in mark: URL) async throws -> [Int32] {
    var found: [Int32] = []
    try await waitUntil("the program has started") {
      let text = String(decoding: FileManager.default.contents(atPath: mark.path) ?? Data(), as: UTF8.self)
      found = text.split { $0 == " " || $0 == "\n" }.compactMap { Int32($0) }
      return found.count == 2
    }
    return found
  }

  /// Nobody there, or a corpse that its parent has not looked at yet.
  private func isGone(_ pid: Int32) -> Bool {
    let status = FileManager.default.contents(atPath: "/proc/\(pid)/status").map { String(decoding: $0, as: UTF8.self) }
    return status?.contains("State:\tZ") ?? true
  }

  @Test func `cancelling ends all its processes and leaves no file`() async throws {
    let (stand, mark) = try await hanging()
    let before = try leftovers
    let call = try call(.video, #"{"prompt":"private words"}"#)
    let task = Task { await stand.call(call) }
    let pids = try await processes(in: mark)
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
    for pid in pids { try await waitUntil("process \(pid) is gone") { isGone(pid) } }
    #expect(try Set(leftovers).isSubset(of: before))
    #expect(try !String(contentsOfFile: mark.path + ".words", encoding: .utf8).contains("private"))
  }

  @Test func `the deadline ends it`() async throws {
    let (stand, mark) = try await hanging()
    let start = ContinuousClock.now
    let failure = try await stand.call(call(.video, #"{"prompt":"a"}"#, within: .seconds(8))).failure()
    #expect(ContinuousClock.now - start < .seconds(40))
    #expect(failure.kind == .server)
    #expect(failure.detail == "ffmpeg did not finish in time and was stopped")
    for pid in try await processes(in: mark) { try await waitUntil("process \(pid) is gone") { isGone(pid) } }
  }
}
