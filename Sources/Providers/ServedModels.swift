import Contracts

/// What a local server says about itself: `GET /v1/models` answers `{"data": [{"id", "batch"?}, ...]}`. Pure.
struct ServedModels: Sendable, Hashable {
  /// Most speech items that one call may carry, whichever of the models it is for; 1 where one does not say.
  let speechBatch: Int

  /// More than any tier sends together.
  static let largestBatch = 64

  /// An answer that is no list says nothing: the server is up, and takes one at a time.
  init(_ body: [UInt8]) {
    do {
      let batches = try JSONParser.parse(body).root["data"]?.elements.map { $0["batch"]?.integer ?? 1 } ?? []
      speechBatch = min(max(batches.min() ?? 1, 1), Self.largestBatch)
    } catch {
      speechBatch = 1
    }
  }
}
