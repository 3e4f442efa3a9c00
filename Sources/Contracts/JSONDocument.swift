/// A JSON text that was read strictly (RFC 8259 and more: see `JSONFault`), as its bytes plus a flat list of nodes.
/// Nothing is decoded until asked for, and any value can be copied out byte for byte, so that a payload passes through
/// the fleet unchanged and a 500-byte job costs two allocations. Immutable; safe to share.
package final class JSONDocument: Sendable {
  struct Node: Sendable {
    enum Kind: UInt8, Sendable { case null, `true`, `false`, number, string, array, object }
    var kind: Kind
    /// A string with at least one escape must be decoded; others are their bytes.
    var hasEscape: Bool
    /// Byte range of the text; of a string without its quotation marks.
    var start: Int32
    var end: Int32
    /// Index of the first node after this value and all it contains.
    var next: Int32
  }

  package let bytes: [UInt8]
  let nodes: [Node]

  init(bytes: [UInt8], nodes: [Node]) {
    self.bytes = bytes
    self.nodes = nodes
  }

  package var root: JSONValue { JSONValue(document: self, index: 0) }
}

/// One value inside a `JSONDocument`.
package struct JSONValue: Sendable {
  package let document: JSONDocument
  let index: Int

  private var node: JSONDocument.Node { document.nodes[index] }

  package var isNull: Bool { node.kind == .null }
  package var isObject: Bool { node.kind == .object }
  package var isArray: Bool { node.kind == .array }
  package var isString: Bool { node.kind == .string }
  package var isNumber: Bool { node.kind == .number }

  /// The value's own text; of a string with its quotation marks.
  package var raw: ArraySlice<UInt8> {
    let node = node
    let quote = node.kind == .string ? 1 : 0
    return document.bytes[Int(node.start) - quote..<Int(node.end) + quote]
  }

  package var bool: Bool? {
    switch node.kind {
    case .true: true
    case .false: false
    default: nil
    }
  }

  package var string: String? {
    let node = node
    guard node.kind == .string else { return nil }
    let slice = document.bytes[Int(node.start)..<Int(node.end)]
    return node.hasEscape ? JSONParser.unescaped(slice) : String(decoding: slice, as: UTF8.self)
  }

  /// The number's text as it stands.
  package var numberText: String? {
    node.kind == .number ? String(decoding: document.bytes[Int(node.start)..<Int(node.end)], as: UTF8.self) : nil
  }

  /// A whole number; nil for fractions, exponents and what 64 bits do not hold.
  package var integer: Int? { numberText.flatMap { Int($0) } }

  package var double: Double? { numberText.flatMap { Double($0) } }

  package var decimal: ExactDecimal? {
    node.kind == .number ? ExactDecimal(utf8: document.bytes[Int(node.start)..<Int(node.end)]) : nil
  }

  /// The elements of an array; empty for any other value.
  package var elements: [JSONValue] {
    guard node.kind == .array else { return [] }
    return children(step: 1) { JSONValue(document: document, index: $0) }
  }

  /// The members of an object in the order of the text; empty for any other value. Keys are unique.
  package var members: [(key: String, value: JSONValue)] {
    guard node.kind == .object else { return [] }
    return children(step: 2) {
      (JSONValue(document: document, index: $0).string ?? "", JSONValue(document: document, index: $0 + 1))
    }
  }

  /// The member of an object, nil when there is none.
  package subscript(key: String) -> JSONValue? {
    guard node.kind == .object else { return nil }
    let end = Int(node.next)
    var child = index + 1
    while child < end {
      let name = document.nodes[child]
      if name.hasEscape {
        if JSONValue(document: document, index: child).string == key {
          return JSONValue(document: document, index: child + 1)
        }
      } else if Int(name.end - name.start) == key.utf8.count,
        document.bytes[Int(name.start)..<Int(name.end)].elementsEqual(key.utf8)
      {
        return JSONValue(document: document, index: child + 1)
      }
      child = Int(document.nodes[child + 1].next)
    }
    return nil
  }

  private func children<Child>(step: Int, _ read: (Int) -> Child) -> [Child] {
    var found: [Child] = []
    let end = Int(node.next)
    var child = index + 1
    while child < end {
      found.append(read(child))
      child = Int(document.nodes[child + step - 1].next)
    }
    return found
  }
}
