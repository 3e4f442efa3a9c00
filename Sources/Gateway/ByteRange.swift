/// What a `Range` field asks for (RFC 9110, section 14), of one range of bytes. Anything else is not understood, and what
/// is not understood is passed over: the answer is the whole file.
enum ByteRange: Equatable {
  case whole
  case part(Range<Int>)
  /// There is no such byte.
  case unsatisfiable

  init(_ field: String?, of size: Int) {
    guard let field, field.prefix(6).lowercased() == "bytes=" else {
      self = .whole
      return
    }
    let ends = field.dropFirst(6).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]) else {
      self = .whole
      return
    }
    switch (first, last) {
    case (nil, nil): self = .whole
    case (nil, let count?): self = count == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - count)..<size)
    case (let first?, let last?) where last < first: self = .whole
    case (let first?, let last): self = first >= size ? .unsatisfiable : .part(first..<min(last ?? size, size - 1) + 1)
    }
  }

  /// Nil for what is no number; a number of nil for nothing at all. What is too large is as large as can be.
  private static func number(_ text: Substring) -> Int?? {
    let digits = text.filter { $0 != " " && $0 != "\t" }
    guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
    return digits.isEmpty ? .some(nil) : .some(Int(digits) ?? .max)
  }
}
