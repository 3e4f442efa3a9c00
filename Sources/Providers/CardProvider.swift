import Contracts
import Foundation

/// Pictures without a model: a card with the words of the prompt before a quiet landscape, whose colours follow from
/// them. Milliseconds, no network, and the same picture for the same prompt. At most as many are drawn at once as there
/// are processors.
package final class CardProvider: Provider {
  package let name: String
  private let printer: CardPrinter
  private let artifacts: ArtifactStore
  private let timeout: Duration
  private let permits: Permits

  static let mostPictures = 4

  package init(
    name: String, program: String = "rsvg-convert", artifacts: ArtifactStore, timeout: Duration = .seconds(60),
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) {
    self.name = name
    printer = CardPrinter(program: program, environment: SpawnedProcess.minimalEnvironment(from: environment))
    self.artifacts = artifacts
    self.timeout = timeout
    permits = Permits(max(1, ProcessInfo.processInfo.activeProcessorCount))
  }

  package func call(_ call: ProviderCall) async -> ProviderAnswer {
    let late = ProviderFailure(.server, "rsvg-convert did not finish in time and was stopped")
    return await AnswerDeadline.answer(by: min(call.deadline, .now + timeout), late: late) {
      await self.permits.holding { await self.draw(call) }
        ?? .failure(ProviderFailure(.cancelled, "cancelled before rsvg-convert was started", reachedProvider: false))
    }
  }

  package func shutdown() async {}

  /// Why a payload cannot be drawn, in a few words without any of its texts; nil when it can.
  static func refusal(of payload: JSONValue) -> String? {
    if PictureSize.asked(by: payload) == nil { return "the size is not offered" }
    return payload["n"]?.integer ?? 1 > mostPictures ? "more than \(mostPictures) pictures" : nil
  }

  private func draw(_ call: ProviderCall) async -> ProviderAnswer {
    let payload = call.job.payload
    guard call.job.taskType == .image, let prompt = payload["prompt"]?.string else {
      return .failure(ProviderFailure(.local, "a card serves only image"))
    }
    guard let size = PictureSize.asked(by: payload), Self.refusal(of: payload) == nil else {
      return .failure(ProviderFailure(.local, "a card of this size or number is not offered"))
    }
    var pictures: [Artifact] = []
    do throws(ProviderFailure) {
      for number in 1...max(1, payload["n"]?.integer ?? 1) {
        let seed = number == 1 ? prompt : "\(prompt)\n\(number)"
        let picture = try await printer.picture(of: prompt, seed: seed, size: size)
        pictures.append(
          try await artifacts.store(picture, .png, of: call, part: number, usage: Self.usage(pictures.count + 1)))
      }
    } catch {
      var failure = error
      if failure.usage.isEmpty { failure.usage = Self.usage(pictures.count) }
      return .failure(failure)
    }
    let output = pictures.count == 1 ? pictures[0].output : Artifact.output(pictures)
    return .success(ProviderReply(output: output, usage: Self.usage(pictures.count)))
  }

  private static func usage(_ pictures: Int) -> [Usage] {
    pictures == 0 ? [] : [Usage(.images, ExactDecimal(pictures), .measured)]
  }
}
