/// The form of https://html.spec.whatwg.org/multipage/server-sent-events.html.
enum ServerSentEvent {
  /// - Parameter json: its line breaks can only stand between values.
  static func encoded(_ name: String, id: String, _ json: [UInt8]) -> [UInt8] {
    Array("id: \(id)\nevent: \(name)\ndata: ".utf8)
      + json.map { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0 } + Array("\n\n".utf8)
  }
}
