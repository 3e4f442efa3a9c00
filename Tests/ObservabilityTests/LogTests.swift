import Contracts
import Foundation
import Logging
import Synchronization
import Testing

@testable import Observability

/// What attackers put into texts to start a line, repaint a terminal, turn text around or pose as a field.
private let hostile = [
  "\n2026-11-21T10:15:30.123Z info worker: admitted job=forged", "\r\n", "\r", "\u{0B}", "\u{0C}", "\u{85}",
  "\u{2028}",
  "\u{2029}", "\u{1B}[2J\u{1B}[1;1H", "\u{9B}31m", "\u{1B}]0;title\u{07}", "\u{0}", "\u{7F}", "\u{8}\u{8}\u{8}",
  "\u{202E}gpj.exe", "\u{2066}x\u{2069}", "\u{200E}\u{200F}\u{61C}", "\u{FEFF}", "\u{200B}", "\u{E0041}\u{E007F}",
  "x\" job=\"forged", "x\\", "\\\" level=error", "a=b", "ok job=forged level=error", " ", "", "tab\there", "\u{AD}",
  "\u{FFF9}", "\u{E000}",
  "{\"level\":\"error\"}", "e" + String(repeating: "\u{301}", count: 5000), String(repeating: "x", count: 100_000),
]

struct LogTests {
  private func lines(_ format: LogSettings.Format, _ act: (inout Logger) -> Void) -> [String] {
    let kept = Collector()
    var logger = Logger(label: "worker") { label in
      LineLogHandler(
        label: label, settings: LogSettings(level: .info, format: format),
        now: { Timestamp(milliseconds: 1_795_256_130_123) }, sink: { kept.add($0) })
    }
    act(&logger)
    return String(decoding: kept.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .dropLast().map(String.init)
  }

  @Test func `a line has time, level, label, message and the fields in the order of their keys`() {
    let lines = lines(.text) { logger in
      logger[metadataKey: "worker"] = "w1"
      logger.info("admitted", metadata: ["tier": "PRO", "job": "j1", "active": "7/10"])
    }
    #expect(lines == ["2026-11-21T10:15:30.123Z info worker: admitted active=7/10 job=j1 tier=PRO worker=w1"])
  }

  @Test func `a line of JSON is one object with the same members`() {
    let lines = lines(.json) { $0.warning("handed back", metadata: ["job": "j1", "reason": "full up"]) }
    #expect(
      lines == [
        #"{"time":"2026-11-21T10:15:30.123Z","level":"warning","label":"worker","message":"handed back","job":"j1","#
          + #""reason":"full up"}"#
      ])
  }

  @Test(arguments: hostile, LogSettings.Format.allCases)
  func `no text can start a line, move a cursor or pose as a field`(text: String, format: LogSettings.Format) throws {
    let lines = lines(format) { logger in
      logger.info("\(text)", metadata: ["job": "\(text)", "list": ["\(text)"], "\(text)": "value"])
    }
    let line = try #require(lines.first)
    #expect(lines.count == 1)
    #expect(
      line.unicodeScalars.allSatisfy {
        switch $0.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse: false
        default: true
        }
      })
    #expect(line.unicodeScalars.count < 4 * 256 * 8)
    switch format {
    case .text: #expect(unquoted(line).count(of: " job=") == 1 && !unquoted(line).contains("level="))
    case .json:
      let root = try JSONParser.parse(Array(line.utf8)).root
      #expect(root["level"]?.string == "info")
      #expect(root["label"]?.string == "worker")
      #expect(root["job"]?.isString == true)
    }
  }

  /// The line without what stands in quotation marks, as a parser of `key=value` pairs would see it.
  private func unquoted(_ line: String) -> String {
    var result = ""
    var isInside = false
    var isEscaped = false
    for scalar in line.unicodeScalars {
      if isInside {
        isInside = isEscaped || scalar != "\""
        isEscaped = !isEscaped && scalar == "\\"
      } else if scalar == "\"" {
        isInside = true
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  @Test func `texts end after 256 characters and lines after 32 fields`() {
    let lines = lines(.text) { logger in
      logger.info("m", metadata: ["a": "\(String(repeating: "ä", count: 300))"])
      logger.info("m", metadata: .init(uniqueKeysWithValues: (10..<90).map { ("k\($0)", "v") }))
    }
    #expect(lines[0].hasSuffix(" a=\"\(String(repeating: "ä", count: 256))…\""))
    #expect(lines[1].hasSuffix(" k41=v"))
  }

  @Test func `a field named like a member of the line does not replace it`() throws {
    let lines = lines(.json) { $0.info("m", metadata: ["level": "error", "time": "never", "level_": "x"]) }
    let root = try JSONParser.parse(Array(try #require(lines.first).utf8)).root
    #expect(root.members.map(\.key) == ["time", "level", "label", "message", "level_", "level__", "time_"])
    #expect(root["level"]?.string == "info")
  }

  @Test func `a logged error is a field, and lower levels are not built`() {
    struct Broken: Error, CustomStringConvertible { var description: String { "wire broke" } }
    let lines = lines(.text) { logger in
      logger.debug("\({ () -> String in fatalError("built") }())")
      logger.error("outage", error: Broken())
    }
    #expect(lines == [#"2026-11-21T10:15:30.123Z error worker: outage error="wire broke""#])
  }

  @Test func `settings have defaults and faults that name the variable`() throws {
    #expect(try LogSettings(level: nil, format: "") == LogSettings(level: .info, format: .text))
    #expect(try LogSettings(level: "DEBUG", format: "json") == LogSettings(level: .debug, format: .json))
    let level = #expect(throws: LogSettings.Fault.self) { try LogSettings(level: "loud", format: nil) }
    let levels = "trace, debug, info, notice, warning, error, critical"
    #expect(level?.description == "TOLLWAY_LOG: must be one of \(levels)")
    let format = #expect(throws: LogSettings.Fault.self) { try LogSettings(level: nil, format: "xml") }
    #expect(format?.description == "TOLLWAY_LOG_FORMAT: must be text or json")
  }
}

private final class Collector: Sendable {
  private let kept = Mutex<[UInt8]>([])
  var bytes: [UInt8] { kept.withLock { $0 } }
  func add(_ line: [UInt8]) { kept.withLock { $0 += line } }
}

extension String {
  fileprivate func count(of part: String) -> Int { ranges(of: part).count }
}
