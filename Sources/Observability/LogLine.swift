import Contracts
import Logging

/// One event as one line, always: whatever the texts hold, the only line feed is the last byte. Pure.
struct LogLine {
  var time: Timestamp
  var level: Logger.Level
  var label: String
  var message: String
  var metadata: Logger.Metadata

  /// More fields than this are left out: a line stays a line.
  static let maximumFields = 32

  func rendered(as format: LogSettings.Format) -> [UInt8] {
    switch format {
    case .text: text()
    case .json: json()
    }
  }

  /// `2026-11-21T10:15:30.123Z info worker: admitted job=j1 tier=PRO`
  private func text() -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(384)
    line.append(time)
    line.append(UInt8(ascii: " "))
    line.append(contentsOf: level.rawValue.utf8)
    line.append(UInt8(ascii: " "))
    LogText.append(label, to: &line)
    line.append(contentsOf: ": ".utf8)
    line.append(contentsOf: LogText.message(message).utf8)
    for (key, value) in fields {
      line.append(UInt8(ascii: " "))
      LogText.append(key, to: &line)
      line.append(UInt8(ascii: "="))
      LogText.append(value, to: &line)
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  /// The same as an object. The fields stand beside time, level, label and message; one of these names gets a `_`.
  private func json() -> [UInt8] {
    var json = JSONWriter(capacity: 256)
    json.literal("{")
    json.member("time", time)
    json.member("level", level.rawValue)
    json.member("label", LogText.plain(label))
    json.member("message", LogText.plain(message))
    var names: Set = ["time", "level", "label", "message"]
    for (key, value) in fields {
      var name = LogText.plain(key)
      while !names.insert(name).inserted { name += "_" }
      json.literal(",")
      json.string(name)
      json.literal(":")
      json.string(LogText.plain(value))
    }
    json.literal("}\n")
    return json.bytes
  }

  /// In the order of their keys, so that two lines of one kind look alike.
  private var fields: [(key: String, value: String)] {
    var fields: [(key: String, value: String)] = []
    fields.reserveCapacity(metadata.count)
    for (key, value) in metadata {
      if case .string(let text) = value { fields.append((key, text)) } else { fields.append((key, "\(value)")) }
    }
    fields.sort { $0.key < $1.key }
    if fields.count > Self.maximumFields { fields.removeSubrange(Self.maximumFields...) }
    return fields
  }
}
