import Contracts
import Foundation
import Synchronization

/// Speech by the `espeak-ng` program, one short-lived child process a job, at most as many at once as there are
/// processors. The light fallback: no network, no model, milliseconds. The text goes through standard input, never
/// through the command line that others on the machine can read. Makes WAV only.
package final class ESpeakProvider: Provider {
  package let name: String
  private let program: String
  private let artifacts: ArtifactStore
  private let timeout: Duration
  private let environment: [String: String]
  private let permits: Permits
  private let voices = Mutex<ESpeakVoices?>(nil)

  /// 25 minutes of speech at the 22,050 16-bit samples a second of espeak-ng.
  static let maximumBytes = 64 << 20

  package init(
    name: String, program: String = "espeak-ng", artifacts: ArtifactStore, timeout: Duration = .seconds(60),
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.name = name
    self.program = program
    self.artifacts = artifacts
    self.timeout = timeout
    self.environment = SpawnedProcess.minimalEnvironment(from: environment)
    permits = Permits(max(1, ProcessInfo.processInfo.activeProcessorCount))
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    let late = ProviderFailure(.server, "espeak-ng did not finish in time and was stopped")
    return await AnswerDeadline.answer(by: min(call.deadline, .now + timeout), late: late) {
      await self.permits.holding { await self.speak(call) }
        ?? .failure(ProviderFailure(.cancelled, "cancelled before espeak-ng was started", reachedProvider: false))
    }
  }

  package func shutdown() async {}

  private func speak(_ call: ProviderCall) async -> ProviderAnswer {
    let payload = call.job.payload
    guard call.job.taskType == .tts, let text = payload["text"]?.string else {
      return .failure(ProviderFailure(.local, "espeak-ng serves only tts"))
    }
    guard !text.allSatisfy(\.isWhitespace) else {
      return .failure(ProviderFailure(.caller, "text: nothing in it can be spoken", reachedProvider: false))
    }
    guard payload["format"]?.string ?? "wav" == "wav" else {
      return .failure(ProviderFailure(.caller, "format: espeak-ng makes wav only", reachedProvider: false))
    }
    let wish = payload["voice"]?.string
    if let wish, !ESpeakVoices.isAcceptable(wish) {
      return .failure(ProviderFailure(.caller, "voice: must be 1 to 64 of A-Z a-z 0-9 _ + -", reachedProvider: false))
    }
    do {
      let voice = try await knownVoices().voice(for: wish)
      let pace = Self.wordsPerMinute(speed: payload["speed"]?.double)
      let run = try await CapturedRun.of(
        program, ["-v", voice, "-s", String(pace), "-b", "1", "--stdin", "--stdout"], environment: environment,
        input: Self.speakable(text), limit: Self.maximumBytes)
      return await answer(to: call, text: text, run)
    } catch {
      return .failure(Self.failure(error))
    }
  }

  private func answer(to call: ProviderCall, text: String, _ run: CapturedRun) async -> ProviderAnswer {
    if Task.isCancelled { return .failure(ProviderFailure(.cancelled, "cancelled, espeak-ng was stopped")) }
    if run.overflowed {
      return .failure(ProviderFailure(.caller, "text: speaks longer than \(Self.maximumBytes >> 20) MiB of audio"))
    }
    guard run.exit == .status(0) else {
      return .failure(ProviderFailure(.server, "espeak-ng ended with \(run.exit)"))
    }
    guard !run.output.isEmpty else { return .failure(ProviderFailure(.caller, "text: nothing in it can be spoken")) }
    guard let audio = WAVFile(run.output) else {
      return .failure(ProviderFailure(.malformed, "espeak-ng wrote no WAV file"))
    }
    let usage = SpeechUsage.measured(text: text, audio: audio)
    do {
      let artifact = try await artifacts.write(audio.repaired(run.output), attemptID: call.attemptID, type: .wav)
      return .success(ProviderReply(output: artifact.output, usage: usage))
    } catch {
      return .failure(error.failure(usage: usage))
    }
  }

  /// Asks the program once.
  private func knownVoices() async throws(SystemFault) -> ESpeakVoices {
    if let known = voices.withLock({ $0 }) { return known }
    let listing = try await CapturedRun.of(
      program, ["--voices"], environment: environment, input: [], limit: 1 << 20)
    let found = ESpeakVoices(listing: listing.output)
    if !found.languages.isEmpty { voices.withLock { $0 = found } }
    return found
  }

  private static func failure(_ fault: SystemFault) -> ProviderFailure {
    fault.code == ENOENT
      ? ProviderFailure(.local, "espeak-ng is not installed: apt-get install espeak-ng")
      : ProviderFailure(.local, fault.description)
  }

  /// 175 words a minute at speed 1, within what the program can do.
  static func wordsPerMinute(speed: Double?) -> Int { Int(min(max(175 * (speed ?? 1), 80), 700)) }

  /// Control characters are commands to espeak-ng and no text to speak: they become spaces, line ends stay.
  static func speakable(_ text: String) -> [UInt8] {
    text.utf8.map { byte in
      byte < 0x20 && byte != UInt8(ascii: "\n") || byte == 0x7F ? UInt8(ascii: " ") : byte
    }
  }
}
