import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

struct ESpeakVoicesTests {
  let voices = ESpeakVoices(
    listing: Array(
      """
      Pty Language       Age/Gender VoiceName          File                 Other Languages
       5  de              --/M      German             gmw/de
       2  en-gb           --/M      English_(Great_Britain) gmw/en            (en 2)
       2  en-us           --/M      English_(America)  gmw/en-US            (en 3)

      """.utf8))

  @Test(arguments: [
    ("en-us", "en-us"), ("EN_us", "en-us"), ("en-us+f3", "en-us+f3"), ("de_DE-thorsten-high", "de"),
    ("en_US-joe-medium", "en-us"), ("alloy", "en-us"), ("x+f3", "en-us"), ("de-x+f3", "de"), ("", "en-us"),
    ("+", "en-us"), ("de+", "de"),
  ])
  func `a voice of another provider is spoken in its language`(wish: String, voice: String) {
    #expect(voices.voice(for: wish) == voice)
  }

  @Test(arguments: ["../../etc/passwd", "a b", "", "a;b", "ä", String(repeating: "a", count: 65)])
  func `a voice has no other characters than names have`(voice: String) {
    #expect(!ESpeakVoices.isAcceptable(voice))
  }
}

struct ESpeakProviderTests {
  let directory: TestDirectory
  let provider: ESpeakProvider

  init() throws {
    directory = try TestDirectory("espeak")
    provider = ESpeakProvider(name: "espeak", artifacts: ArtifactStore(directory: directory.url.path))
  }

  /// A stand-in for the program: a shell script. Another process writes it, because a file that this one has open for
  /// writing while it starts a child cannot be executed for a moment.
  private func provider(script: String) async throws -> ESpeakProvider {
    let path = directory.file("program").path
    let writing = #"printf '#!/bin/sh\n%s\n' "$1" > "$2" && chmod 755 "$2""#
    try await FinishedCommand.run(["sh", "-c", writing, "sh", script, path]).checked()
    return ESpeakProvider(
      name: "espeak", program: path, artifacts: ArtifactStore(directory: directory.url.path))
  }

  @Test func `a sentence becomes audible speech of plausible length`() async throws {
    let text = "Once upon a time there was a toll house, and every cart had to stop."
    let reply = try await provider.call(call(.tts, #"{"text":"\#(text)","voice":"en_US-joe-medium"}"#)).reply()
    let bytes = try reply.artifactBytes()
    let file = try #require(WAVFile(bytes))
    #expect(file.data.upperBound == bytes.count)
    #expect(bytes[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) } == bytes.count - 8)
    let seconds = try #require(Double(file.seconds.description))
    #expect((2.0...8.0).contains(seconds))
    let loudest = stride(from: file.data.lowerBound, to: file.data.upperBound - 1, by: 2).map {
      abs(Int(Int16(bitPattern: UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8)))
    }.max()
    #expect(try #require(loudest) > 3000)
    #expect(reply.quantity(.characters) == "\(text.count)")
    #expect(reply.quantity(.audioSeconds) == file.seconds.description)
    #expect(reply.usage.allSatisfy { $0.source == .measured })
    #expect(try reply.document()["artifact"]?["mediaType"]?.string == "audio/wav")
  }

  @Test func `a higher speed is shorter`() async throws {
    let slow = try await provider.call(call(.tts, #"{"text":"one two three four","speed":0.5}"#)).reply()
    let fast = try await provider.call(call(.tts, #"{"text":"one two three four","speed":2}"#)).reply()
    #expect(try slow.artifactBytes().count > fast.artifactBytes().count * 3 / 2)
  }

  @Test func `a long text does not block on the pipe`() async throws {
    let text = String(repeating: "a ", count: 30_000)
    let reply = try await provider.call(call(.tts, #"{"text":"\#(text)","speed":4}"#, within: .seconds(120)))
    #expect(try reply.reply().quantity(.characters) == "60000")
  }

  @Test(arguments: [
    (#"{"text":"a","format":"mp3"}"#, "format"), (#"{"text":"a","voice":"../x"}"#, "voice"),
    (#"{"text":" \n "}"#, "text"),
  ])
  func `what it cannot speak is the caller's error`(payload: String, member: String) async throws {
    let failure = try await provider.call(call(.tts, payload)).failure()
    #expect(failure.kind == .caller)
    #expect(failure.detail.hasPrefix(member))
  }

  @Test func `a missing program is told with the remedy`() async throws {
    let provider = ESpeakProvider(
      name: "espeak", program: "no-such-program", artifacts: ArtifactStore(directory: directory.url.path))
    let failure = try await provider.call(call(.tts, #"{"text":"a"}"#)).failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("apt-get install espeak-ng"))
    #expect(!failure.reachedProvider)
  }

  @Test func `the text is nowhere in the command line`() async throws {
    let seen = directory.file("seen").path
    let stand = try await provider(script: #"echo "$@" >> \#(seen); cat > /dev/null; exit 3"#)
    let failure = try await stand.call(call(.tts, #"{"text":"private words"}"#)).failure()
    #expect(failure.kind == .server)
    #expect(failure.detail == "espeak-ng ended with status 3")
    #expect(try !String(contentsOfFile: seen, encoding: .utf8).contains("private"))
  }

  @Test func `a program that hangs is killed at the deadline`() async throws {
    let mark = directory.file("pid").path
    // In one step, because the program may be killed at any moment.
    let stand = try await provider(script: #"echo $$ > \#(mark).new; mv \#(mark).new \#(mark); exec sleep 600"#)
    let failure = try await stand.call(call(.tts, #"{"text":"a"}"#, within: .seconds(5))).failure()
    #expect(failure.kind == .server)
    let pid = try #require(Int32(String(contentsOfFile: mark, encoding: .utf8).dropLast()))
    #expect(kill(pid, 0) != 0)
  }

  @Test func `cancelling kills the program`() async throws {
    let mark = directory.file("pid")
    let stand = try await provider(script: #"[ "$1" = --voices ] || { echo $$ > \#(mark.path); exec sleep 600; }"#)
    let call = try call(.tts, #"{"text":"a"}"#)
    let task = Task { await stand.call(call) }
    var pid: Int32?
    try await waitUntil("the program started") {
      let written = FileManager.default.contents(atPath: mark.path) ?? Data()
      pid = Int32(String(decoding: written, as: UTF8.self).dropLast())
      return pid != nil
    }
    task.cancel()
    #expect(try await task.value.failure().kind == .cancelled)
    #expect(kill(try #require(pid), 0) != 0)
  }

  @Test func `no more programs run at once than there are processors`() async throws {
    let stand = try await provider(
      script: #"""
        [ "$1" = --voices ] && exit 0
        mkdir \#(directory.url.path)/run.$$; ls -d \#(directory.url.path)/run.* | wc -l >> \#(directory.url.path)/counts
        sleep 0.05; rmdir \#(directory.url.path)/run.$$; exit 1
        """#)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<12 {
        group.addTask {
          do { _ = await stand.call(try call(.tts, #"{"text":"a"}"#)) } catch { Issue.record(error) }
        }
      }
    }
    let counts = try String(contentsOf: directory.file("counts"), encoding: .utf8).split(separator: "\n")
      .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    #expect(counts.count == 12)
    #expect(try #require(counts.max()) <= ProcessInfo.processInfo.activeProcessorCount)
  }
}
