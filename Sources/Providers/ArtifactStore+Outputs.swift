import Contracts

/// Outputs of calls that were answered: a file that cannot be written is a failure of the attempt, with what it used.
extension ArtifactStore {
  func store(
    _ bytes: [UInt8], _ type: MediaType, of call: ProviderCall, part: Int = 1, usage: [Usage]
  ) async throws(ProviderFailure) -> Artifact {
    do {
      return try await write(bytes, attemptID: call.attemptID, part: part, type: type)
    } catch {
      throw error.failure(usage: usage)
    }
  }

  /// `{"text":...}`, or an artifact where the text is longer than results carry.
  func output(
    text: String, of call: ProviderCall, usage: [Usage]
  ) async throws(ProviderFailure) -> [UInt8] {
    if text.utf8.count > OpenAIWire.inlineLimit {
      return try await store(Array(text.utf8), .text, of: call, usage: usage).output
    }
    var json = JSONWriter(capacity: text.utf8.count + 16)
    json.literal(#"{"text":"#)
    json.string(text)
    json.literal("}")
    return json.bytes
  }
}
