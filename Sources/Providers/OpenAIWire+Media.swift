import Contracts
import Foundation
import NIOHTTP1

/// Speech and pictures: audio as raw bytes or as a stream, pictures inside a document.
extension OpenAIWire {
  func speech(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let payload = call.job.payload
    let format = payload["format"]?.string ?? "wav"
    guard let type = MediaType.speech(format: format) else {
      throw ProviderFailure(
        .caller, "format: must be wav, mp3, opus, aac, flac or pcm", reachedProvider: false)
    }
    let request = OpenAIRequest.speech(
      model: call.model, payload: payload, format: format, defaultVoice: defaultVoice)
    let spoken: SpeechStream.Audio
    if OpenAIRequest.streamsSpeech(call.model) {
      // Base64 in events takes more room than the audio.
      switch try await stream(request, for: call, bytes: request.limit * 3 / 2, reader: SpeechStream()) {
      case .streamed(let audio): spoken = audio
      case .whole(let reply): spoken = try Self.audio(in: reply)
      }
    } else {
      spoken = try Self.audio(in: try await send(request, for: call))
    }
    guard !spoken.bytes.isEmpty else {
      throw ProviderFailure(.malformed, "answered without audio", usage: spoken.usage)
    }
    let audio = type == .wav ? WAVFile(spoken.bytes) : nil
    if type == .wav, audio == nil {
      throw ProviderFailure(.malformed, "answered with audio that is no WAV file", usage: spoken.usage)
    }
    let usage = spoken.usage + SpeechUsage.measured(text: payload["text"]?.string ?? "", audio: audio)
    let artifact = try await artifacts.store(
      audio?.repaired(spoken.bytes) ?? spoken.bytes, type, of: call, usage: usage)
    return ProviderReply(output: artifact.output, usage: usage)
  }

  private static func audio(in reply: ProviderHTTP.Reply) throws(ProviderFailure) -> SpeechStream.Audio {
    let label = reply.headers.first(name: "Content-Type") ?? ""
    guard !label.hasPrefix("application/json"), !label.hasPrefix("text/") else {
      throw ProviderFailure(.malformed, "answered without audio")
    }
    return SpeechStream.Audio(bytes: reply.body, usage: [])
  }

  /// Pictures come inside the answer. An address instead of one is not followed: whoever answers could name any host.
  /// What cannot be read was bought all the same.
  func images(_ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let request = OpenAIRequest.images(model: call.model, payload: call.job.payload)
    let reply = try await send(request, for: call, isPurchase: true)
    do throws(ProviderFailure) {
      return try await pictures(in: reply.body, call)
    } catch {
      throw error.ofPurchase
    }
  }

  private func pictures(in body: [UInt8], _ call: ProviderCall) async throws(ProviderFailure) -> ProviderReply {
    let root = try Self.document(body)
    var usage = OpenAIUsage.imageTokens(root["usage"])
    let entries = (root["data"]?.elements ?? []).prefix(10)
    usage.append(Usage(.images, ExactDecimal(entries.count), .measured))
    guard !entries.isEmpty else { throw ProviderFailure(.malformed, "answered without pictures") }
    var artifacts: [Artifact] = []
    for (index, entry) in entries.enumerated() {
      guard let text = entry["b64_json"]?.string, let data = Data(base64Encoded: text),
        let type = MediaType.image(of: Array(data.prefix(16)))
      else { throw ProviderFailure(.malformed, "answered with something that is no picture", usage: usage) }
      artifacts.append(try await self.artifacts.store(Array(data), type, of: call, part: index + 1, usage: usage))
    }
    return ProviderReply(
      output: artifacts.count == 1 ? artifacts[0].output : Artifact.output(artifacts), usage: usage,
      statedCost: OpenAIUsage.cost(root["usage"]))
  }
}
