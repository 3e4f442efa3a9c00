/// Reads an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html, section 9.2.6) as it comes
/// in: lines may end in LF, CR or CRLF, also between two pieces; comments, `id` and `retry` are passed over. Pure.
/// Holds at most one unfinished event, so that a stream may be endless and memory not. An event without its empty line
/// at the end is never given out.
struct ServerSentEvents: Sendable {
  struct Event: Sendable, Hashable {
    /// Of its `event` line, nil without one.
    var name: String?
    /// Its `data` lines, joined by LF. Never empty.
    var data: [UInt8]
  }

  /// Bytes of one line without its end, and of the data of one event.
  private let lineLimit: Int
  private let eventLimit: Int
  private var line: [UInt8] = []
  private var name: String?
  private var data: [UInt8]?
  private var endedInCR = false
  private var isAtStart = true

  init(lineLimit: Int = 1 << 20, eventLimit: Int = 1 << 20) {
    self.lineLimit = lineLimit
    self.eventLimit = eventLimit
  }

  /// The events that end within these bytes. Throws `malformed` beyond a limit; do not go on after that.
  mutating func feed(_ bytes: some Collection<UInt8>) throws(ProviderFailure) -> [Event] {
    var events: [Event] = []
    var rest = bytes[...]
    while let first = rest.first {
      let isSecondOfTwo = endedInCR && first == UInt8(ascii: "\n")
      endedInCR = false
      if isSecondOfTwo {
        rest = rest.dropFirst()
        continue
      }
      let end = rest.firstIndex { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") } ?? rest.endIndex
      guard line.count + rest.distance(from: rest.startIndex, to: end) <= lineLimit else {
        throw ProviderFailure(.malformed, "streamed a line without end")
      }
      line.append(contentsOf: rest[..<end])
      guard end < rest.endIndex else { break }
      endedInCR = rest[end] == UInt8(ascii: "\r")
      rest = rest[rest.index(after: end)...]
      if let event = try event(endedBy: line) { events.append(event) }
      line.removeAll(keepingCapacity: true)
    }
    return events
  }

  private mutating func event(endedBy line: [UInt8]) throws(ProviderFailure) -> Event? {
    let hasMark = isAtStart && line.starts(with: [0xEF, 0xBB, 0xBF])
    isAtStart = false
    let text = line.dropFirst(hasMark ? 3 : 0)
    guard !text.isEmpty else { return endEvent() }
    let colon = text.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
    var value = text[colon...].dropFirst()
    if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
    switch String(decoding: text[..<colon], as: UTF8.self) {
    case "data":
      guard (data?.count ?? 0) + value.count < eventLimit else {
        throw ProviderFailure(.malformed, "streamed an event without end")
      }
      if data == nil { data = [] } else { data?.append(UInt8(ascii: "\n")) }
      data?.append(contentsOf: value)
    case "event": name = String(decoding: value, as: UTF8.self)
    default: break
    }
    return nil
  }

  private mutating func endEvent() -> Event? {
    defer {
      name = nil
      data = nil
    }
    guard let data, !data.isEmpty else { return nil }
    return Event(name: name, data: data)
  }
}
