import Contracts
import Foundation
import Testing

/// The golden files: what foreign programs parse, written by hand after the contract. A file ends with a line feed that
/// the message does not have.
func golden(_ name: String) throws -> [UInt8] {
  let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).json")
  return [UInt8](try Data(contentsOf: file).dropLast())
}

func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

func parse(_ text: String) throws(JSONFault) -> JSONValue { try JSONParser.parse(Array(text.utf8)).root }

/// Why a text was refused; nil when it was read.
func readingFault(of bytes: [UInt8]) -> JSONFault? {
  do throws(JSONFault) {
    _ = try JSONParser.parse(bytes)
    return nil
  } catch {
    return error
  }
}
