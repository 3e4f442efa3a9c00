import Contracts

/// Reads an answer of vectors without making numbers of their text: each vector stays the slice of bytes it came in,
/// checked to be an array of numbers. A batch may hold more numbers than the strict parser takes in one text, so every
/// array of numbers is lifted out first and its index put in its place. Pure.
struct EmbeddingReply: Sendable {
  /// In the order of the inputs.
  let vectors: [ArraySlice<UInt8>]
  let usage: JSONValue?
  let model: String?

  /// - Parameter count: of the inputs. Throws for anything but one vector for each.
  init(_ bytes: [UInt8], count: Int) throws(ProviderFailure) {
    let (skeleton, lifted) = Self.liftVectors(of: bytes)
    let root: JSONValue
    do {
      root = try JSONParser.parse(skeleton).root
      for vector in lifted { _ = try JSONParser.parse(Array(vector)) }
    } catch {
      throw ProviderFailure(.malformed, "answered with bad JSON")
    }
    var found = [ArraySlice<UInt8>?](repeating: nil, count: count)
    let entries = root["data"]?.elements ?? []
    for (position, entry) in entries.enumerated() {
      let index = entry["index"]?.integer ?? position
      guard let place = entry["embedding"]?.elements.first?.integer, lifted.indices.contains(place),
        found.indices.contains(index)
      else { throw ProviderFailure(.malformed, "answered without vectors") }
      found[index] = lifted[place]
    }
    vectors = found.compactMap { $0 }
    guard vectors.count == count, entries.count == count else {
      throw ProviderFailure(.malformed, "answered with \(entries.count) vectors for \(count) inputs")
    }
    usage = root["usage"]
    model = root["model"]?.string
  }

  var output: [UInt8] { Self.output(of: vectors[...]) }

  /// `{"vectors":[[...],...]}`
  static func output(of vectors: ArraySlice<ArraySlice<UInt8>>) -> [UInt8] {
    var json = JSONWriter(capacity: vectors.reduce(16) { $0 + $1.count + 1 })
    json.literal(#"{"vectors":["#)
    for (index, vector) in vectors.enumerated() {
      if index > 0 { json.literal(",") }
      json.raw(vector)
    }
    json.literal("]}")
    return json.bytes
  }

  /// Every array of nothing but numbers becomes an array of one number, its place among the lifted ones.
  static func liftVectors(of bytes: [UInt8]) -> (skeleton: [UInt8], lifted: [ArraySlice<UInt8>]) {
    var skeleton: [UInt8] = []
    var lifted: [ArraySlice<UInt8>] = []
    var isInString = false
    var position = 0
    while position < bytes.count {
      let byte = bytes[position]
      if isInString {
        if byte == UInt8(ascii: "\\"), position + 1 < bytes.count {
          skeleton.append(byte)
          position += 1
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
      } else if byte == UInt8(ascii: "\"") {
        isInString = true
      } else if byte == UInt8(ascii: "["), let end = endOfNumbers(in: bytes, after: position) {
        skeleton.append(contentsOf: "[\(lifted.count)]".utf8)
        lifted.append(bytes[position...end])
        position = end + 1
        continue
      }
      skeleton.append(bytes[position])
      position += 1
    }
    return (skeleton, lifted)
  }

  /// The closing bracket, if up to there stand only characters of numbers and between them.
  private static func endOfNumbers(in bytes: [UInt8], after open: Int) -> Int? {
    for position in bytes.index(after: open)..<bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."),
        UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: ","), 0x20, 0x09, 0x0A, 0x0D:
        continue
      case UInt8(ascii: "]"): return position
      default: return nil
      }
    }
    return nil
  }
}
