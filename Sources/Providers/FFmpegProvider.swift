import Contracts
import Foundation
import Synchronization

/// Films of pictures and narrations that other jobs have made, by the `ffmpeg` program: MP4 with H.264 and AAC, each scene
/// exactly as long as its narration. No network and no model. A film takes up to two processors, so half as many are made
/// at once as there are.
package final class FFmpegProvider: Provider {
  package let name: String
  private let program: String
  private let printer: CardPrinter
  private let artifacts: ArtifactStore
  private let timeout: Duration
  private let environment: [String: String]
  private let permits: Permits
  private let hasBegun = Mutex(false)

  /// - Parameter cards: the program that draws scenes without a picture.
  package init(
    name: String, program: String = "ffmpeg", cards: String = "rsvg-convert", artifacts: ArtifactStore,
    timeout: Duration = .seconds(900), environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.name = name
    self.program = program
    self.artifacts = artifacts
    self.timeout = timeout
    self.environment = SpawnedProcess.minimalEnvironment(from: environment)
    printer = CardPrinter(program: cards, environment: self.environment)
    permits = Permits(max(1, ProcessInfo.processInfo.activeProcessorCount / 2))
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    let late = ProviderFailure(.server, "ffmpeg did not finish in time and was stopped")
    return await AnswerDeadline.answer(by: min(call.deadline, .now + timeout), late: late) {
      await self.permits.holding { await self.film(call) }
        ?? .failure(ProviderFailure(.cancelled, "cancelled before ffmpeg was started", reachedProvider: false))
    }
  }

  package func shutdown() async {}

  private func film(_ call: ProviderCall) async -> ProviderAnswer {
    guard call.job.taskType == .video else { return .failure(ProviderFailure(.local, "ffmpeg serves only video")) }
    let isFirst = hasBegun.withLock { begun in
      defer { begun = true }
      return !begun
    }
    if isFirst { FilmScratch.removeLeftovers() }
    do throws(ProviderFailure) {
      let request = try FilmRequest(call.job.payload)
      let film = try await inScratch { (scratch) async throws(ProviderFailure) in
        try await FilmStudio(
          program: program, environment: environment, printer: printer, artifacts: artifacts, request: request,
          scratch: scratch
        ).film()
      }
      guard MediaType.video(of: film.bytes) == .mp4 else {
        throw ProviderFailure(.malformed, "ffmpeg wrote no film")
      }
      let usage = [Usage(.videoSeconds, film.seconds, .measured)]
      let artifact = try await artifacts.store(film.bytes, .mp4, of: call, usage: usage)
      return .success(ProviderReply(output: artifact.output, usage: usage))
    } catch {
      return .failure(error)
    }
  }

  private func inScratch<Value>(
    _ work: (FilmScratch) async throws(ProviderFailure) -> Value
  ) async throws(ProviderFailure) -> Value {
    let scratch: FilmScratch
    do {
      scratch = try FilmScratch()
    } catch {
      throw ProviderFailure(.local, error.description)
    }
    defer { scratch.remove() }
    return try await work(scratch)
  }
}
