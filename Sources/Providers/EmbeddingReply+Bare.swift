import Contracts

/// Reading an answer that is nothing but the vectors, `[[...],...]`, one for each input.
extension EmbeddingReply {
  /// - Parameter count: of the inputs. Throws for anything but one vector for each.
  init(bare bytes: [UInt8], count: Int) throws(ProviderFailure) {
    let (skeleton, lifted) = Self.liftVectors(of: bytes)
    let entries: [JSONValue]
    do {
      entries = try JSONParser.parse(skeleton).root.elements
      for vector in lifted { _ = try JSONParser.parse(Array(vector)) }
    } catch {
      throw ProviderFailure(.malformed, "answered with bad JSON")
    }
    vectors = entries.compactMap { entry in
      guard entry.elements.count == 1, let place = entry.elements[0].integer, lifted.indices.contains(place)
      else { return nil }
      return lifted[place]
    }
    usage = nil
    model = nil
    guard vectors.count == count, entries.count == count else {
      throw ProviderFailure(.malformed, "answered with \(vectors.count) vectors for \(count) inputs")
    }
  }
}
