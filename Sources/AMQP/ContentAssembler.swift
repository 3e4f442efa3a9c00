import Crypto

/// What followed a method that carries content.
struct AMQPContent {
  var properties: AMQPProperties
  var hostility: AMQPHostility?
  var propertyBytes: Int
  var body: [UInt8]
  var oversize: AMQPDelivery.Oversize?
}

/// Puts header and body frames of one channel together. A body larger than the limit is known to be so at its header
/// and from then on only hashed and counted. A value without I/O.
struct ContentAssembler {
  static let keptOfOversize = 4096

  let maxBodyBytes: Int
  private(set) var isAwaitingHeader = false
  private var content: AMQPContent?
  /// Bytes of the body still to come.
  private var left: UInt64 = 0
  /// Only of a body that is too large.
  private var hash: SHA256?

  init(maxBodyBytes: Int) { self.maxBodyBytes = maxBodyBytes }

  /// A method with content arrived.
  mutating func begin() throws(AMQPError) {
    guard !isAwaitingHeader, content == nil else { throw Self.disorder }
    isAwaitingHeader = true
  }

  /// The content, when its body is empty.
  mutating func header(bodyBytes: UInt64, properties raw: UnsafeRawBufferPointer) throws(AMQPError) -> AMQPContent? {
    guard isAwaitingHeader else { throw Self.disorder }
    isAwaitingHeader = false
    var hostility: AMQPHostility?
    let properties = AMQPProperties(reading: raw, hostility: &hostility)
    var content = AMQPContent(
      properties: properties, hostility: hostility, propertyBytes: raw.count, body: [], oversize: nil)
    if bodyBytes == 0 { return content }
    guard bodyBytes <= UInt64(Int.max) else { throw Self.disorder }
    if bodyBytes > UInt64(maxBodyBytes) {
      content.oversize = AMQPDelivery.Oversize(bytes: Int(bodyBytes), sha256: "")
      hash = SHA256()
    } else {
      content.body.reserveCapacity(Int(bodyBytes))
    }
    left = bodyBytes
    self.content = content
    return nil
  }

  /// The content, when this was the last of its body.
  mutating func body(_ bytes: UnsafeRawBufferPointer) throws(AMQPError) -> AMQPContent? {
    guard content != nil, bytes.count <= left else { throw Self.disorder }
    left -= UInt64(bytes.count)
    if hash == nil {
      content?.body.append(contentsOf: bytes)
    } else {
      hash?.update(bufferPointer: bytes)
      let room = Self.keptOfOversize - (content?.body.count ?? 0)
      content?.body.append(contentsOf: bytes.prefix(room))
    }
    guard left == 0 else { return nil }
    if let hash { content?.oversize?.sha256 = Self.hexadecimal(hash.finalize()) }
    defer {
      content = nil
      hash = nil
    }
    return content
  }

  private static func hexadecimal(_ digest: SHA256.Digest) -> String {
    digest.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
  }

  private static let disorder = AMQPError(.malformed, "the broker sent content out of order", .reconnect)
}
