import Testing

@testable import AMQP

struct AMQPPropertiesTests {
  private func read(_ bytes: [UInt8]) -> (AMQPProperties, AMQPHostility?) {
    bytes.withUnsafeBytes { bytes in
      var hostility: AMQPHostility?
      let properties = AMQPProperties(reading: bytes, hostility: &hostility)
      return (properties, hostility)
    }
  }

  private func written(_ properties: AMQPProperties) -> [UInt8] {
    var writer = AMQPWriter()
    properties.write(to: &writer)
    return writer.bytes
  }

  /// Flags for headers only, then a table of `content`.
  private func headers(_ content: [UInt8]) -> [UInt8] {
    var writer = AMQPWriter()
    writer.integer(UInt16(0x2000))
    writer.measured { $0.bytes += content }
    return writer.bytes
  }

  @Test func `every property and every kind of header survives the wire`() {
    var properties = AMQPProperties()
    properties.contentType = "application/json"
    properties.contentEncoding = "identity"
    properties.headers = [
      "bool": true, "int": -7, "double": .double(1.5), "decimal": .decimal(scale: 2, value: 314), "string": "grüße",
      "binary": .binary([0, 255]), "timestamp": .timestamp(1_790_000_000), "table": .table(["a": .array(["b", 1])]),
      "null": .null,
    ]
    properties.deliveryMode = .persistent
    properties.priority = 9
    properties.correlationId = "c"
    properties.replyTo = "r"
    properties.expiration = "60000"
    properties.messageId = "m"
    properties.timestamp = 42
    properties.type = "t"
    properties.userId = "guest"
    properties.appId = "app"
    let (read, hostility) = read(written(properties))
    #expect(hostility == nil)
    #expect(read == properties)
    #expect(self.read(written(AMQPProperties())).0 == AMQPProperties())
  }

  @Test func `integers of every width are read`() {
    let content: [UInt8] =
      [1, 97] + [UInt8(ascii: "b"), 0xFF] + [1, 98] + [UInt8(ascii: "B"), 0xFF] + [1, 99]
      + [UInt8(ascii: "s"), 0xFF, 0xFE] + [1, 100] + [UInt8(ascii: "u"), 0xFF, 0xFE] + [1, 101]
      + [UInt8(ascii: "I"), 0xFF, 0xFF, 0xFF, 0xFE] + [1, 102] + [UInt8(ascii: "i"), 0xFF, 0xFF, 0xFF, 0xFE] + [1, 103]
      + [UInt8(ascii: "L"), 0, 0, 0, 0, 0, 0, 0, 5] + [1, 104] + [UInt8(ascii: "f"), 0x3F, 0xC0, 0, 0]
    let (properties, hostility) = read(headers(content))
    #expect(hostility == nil)
    #expect(properties.headers.entries.compactMap(\.value.int) == [-1, 255, -2, 65_534, -2, 4_294_967_294, 5])
    #expect(properties.headers["h"] == .double(1.5))
  }

  @Test func `eight levels of nesting are taken, nine are hostile`() {
    func nested(_ levels: Int) -> AMQPProperties {
      var field = AMQPField.string("core")
      for level in 1..<levels { field = level.isMultiple(of: 2) ? .array([field]) : .table(["t": field]) }
      var properties = AMQPProperties()
      properties.headers = ["outermost": field]
      properties.messageId = "kept"
      return properties
    }
    #expect(read(written(nested(8))).1 == nil)
    let (properties, hostility) = read(written(nested(9)))
    #expect(hostility == .tooDeep)
    #expect(properties.headers.isEmpty)
    #expect(properties.messageId == "kept")
  }

  @Test func `more values than the limit are hostile`() {
    let null: [UInt8] = [1, 97, UInt8(ascii: "V")]
    #expect(read(headers(Array(repeating: null, count: 1024).flatMap(\.self))).1 == nil)
    #expect(read(headers(Array(repeating: null, count: 1025).flatMap(\.self))).1 == .tooManyValues)
  }

  @Test func `text that is not UTF-8 is hostile in a property, bytes in a header`() {
    #expect(read([0x80, 0, 2, 0xFF, 0xFE]).1 == .invalidText)
    #expect(read(headers([1, 0xFF, UInt8(ascii: "V")])).1 == .invalidText)
    let (properties, hostility) = read(headers([1, 97, UInt8(ascii: "S"), 0, 0, 0, 1, 0xFF]))
    #expect(hostility == nil)
    #expect(properties.headers["a"] == .binary([0xFF]))
  }

  @Test func `flags that announce more flags are hostile`() {
    #expect(read([0x80, 0x01, 1, 97]).1 == .undecodable)
  }

  @Test func `no cut and no changed byte makes reading trap`() {
    var properties = AMQPProperties()
    properties.contentType = "application/json"
    properties.headers = ["a": .table(["b": .array([1, "c", .null])]), "d": .timestamp(1)]
    properties.messageId = "m"
    let bytes = written(properties)
    for count in 0..<bytes.count { #expect(read(Array(bytes.prefix(count))).1 != nil) }
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      var mutated = bytes
      for _ in 0..<Int.random(in: 1...4) {
        mutated[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255)
      }
      _ = read(mutated)
    }
  }

  @Test func `a publication that does not fit the protocol leaves the buffer as it was`() {
    var writer = AMQPWriter()
    writer.heartbeat()
    let before = writer.bytes
    var properties = AMQPProperties()
    properties.headers = ["x": .binary(Array(repeating: 0, count: 5000))]
    let large = AMQPPublication(exchange: "", routingKey: "q", properties: properties, body: [1])
    #expect(writer.publish(large, channel: 1, frameMax: 4096)?.code == .invalidPublication)
    #expect(writer.bytes == before)
    let long = AMQPPublication(exchange: "", routingKey: String(repeating: "k", count: 256), body: [1])
    #expect(writer.publish(long, channel: 1, frameMax: 4096)?.code == .invalidPublication)
    #expect(writer.bytes == before)
    #expect(
      writer.publish(AMQPPublication(exchange: "", routingKey: "q", body: [1]), channel: 1, frameMax: 4096) == nil)
  }

  @Test func `a body is cut into frames no larger than the limit`() {
    var writer = AMQPWriter()
    let body = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    #expect(
      writer.publish(AMQPPublication(exchange: "e", routingKey: "k", body: body), channel: 3, frameMax: 4096) == nil)
    var rest = writer.bytes[...]
    var joined: [UInt8] = []
    while !rest.isEmpty {
      let head = Array(rest.prefix(7))
      let length = head[3...6].reduce(0) { $0 << 8 | Int($1) }
      #expect(length + 8 <= 4096)
      #expect(head[1...2].elementsEqual([0, 3]))
      let payload = rest.dropFirst(7).prefix(length)
      if head[0] == 3 { joined += payload }
      #expect(rest.dropFirst(7 + length).first == AMQPWriter.frameEnd)
      rest = rest.dropFirst(8 + length)
    }
    #expect(joined == body)
  }
}
