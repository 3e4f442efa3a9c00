import Foundation
import Mustache

/// The operator's console as text: values of Operations go in, whole HTML documents come out. Pure; every call may be
/// made on any thread. Whatever a page shows is escaped by the template engine; no template has a raw tag, a script or
/// a style of its own, so that the pages live under a content security policy of `default-src 'none'`.
package enum Console {
  /// Where the console lives on a gateway.
  package static let path = "/console"

  package static let css = PackageResources.console_css
  package static let js = PackageResources.console_js
  /// Named after their content, so that browsers may keep them for ever.
  package static let cssPath = asset("css", css)
  package static let jsPath = asset("js", js)

  /// `/console/jobs/a%20b`: every segment percent-encoded.
  package static func link(_ segments: String...) -> String {
    segments.reduce(path) { $0 + "/" + encoded($1) }
  }

  /// For a segment of a path or a value of a query.
  static func encoded(_ text: String) -> String {
    text.utf8.reduce(into: "") { path, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "~"):
        path.unicodeScalars.append(UnicodeScalar(byte))
      case UInt8(ascii: ".") where text != "." && text != "..": path += "."
      default: path += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
  }

  /// FNV-1a: tells two versions of a file apart, no more.
  private static func asset(_ type: String, _ content: [UInt8]) -> String {
    let digest = content.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
    let name = String(UInt64(1) << 32 + UInt64(digest), radix: 16).dropFirst()
    return "\(path)/assets/console-\(name).\(type)"
  }
}
