import Foundation
import Hummingbird
import NIOCore

/// What a form of the console sent, or what stands behind the `?` of an address. Bounded; later values of a name stand
/// behind earlier ones.
struct ConsoleForm: Sendable {
  /// Of a body: a thousand ids of some length.
  static let maximumBytes = 256 << 10
  private static let maximumFields = 1100

  private let fields: [String: [String]]

  /// `application/x-www-form-urlencoded`; nil for what is none.
  init?(_ text: some StringProtocol) {
    var fields: [String: [String]] = [:]
    let pairs = text.split(separator: "&", maxSplits: Self.maximumFields)
    guard pairs.count <= Self.maximumFields else { return nil }
    for pair in pairs {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count > 1 ? parts[1] : "") else {
        return nil
      }
      fields[name, default: []].append(value)
    }
    self.fields = fields
  }

  /// What the body of a request says.
  static func read(_ request: Request) async throws -> ConsoleForm {
    guard request.headers[.contentType]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true else {
      throw Problem(.unsupportedMediaType, "a form is expected")
    }
    var request = request
    let body: ByteBuffer
    do {
      body = try await request.collectBody(upTo: maximumBytes)
    } catch is NIOTooManyBytesError {
      throw Problem(.tooLarge, "a form may have \(maximumBytes) bytes: choose fewer at a time")
    }
    guard let form = ConsoleForm(String(buffer: body)) else { throw Problem(.badRequest, "the form cannot be read") }
    return form
  }

  func all(_ name: String) -> [String] { fields[name] ?? [] }

  /// Without the spaces around it; nil for one that is missing or empty.
  subscript(_ name: String) -> String? {
    guard let text = fields[name]?.first?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else {
      return nil
    }
    return text
  }

  private static func decoded(_ text: some StringProtocol) -> String? {
    text.replacingOccurrences(of: "+", with: " ").removingPercentEncoding
  }
}
