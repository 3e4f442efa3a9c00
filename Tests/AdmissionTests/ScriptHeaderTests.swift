import Foundation
import Testing

/// The headers of the scripts are their contract; what they name must be what the code uses.
@Suite struct ScriptHeaderTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Sources/Admission/Scripts").standardized

  private static func scripts() throws -> [(name: String, header: String, code: String)] {
    try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .filter { $0.pathExtension == "lua" }
      .map { file in
        let lines = try String(contentsOf: file, encoding: .utf8).split(
          separator: "\n", omittingEmptySubsequences: false)
        let header = lines.prefix { $0.hasPrefix("--") }
        return (
          file.lastPathComponent, header.joined(separator: "\n"), lines.dropFirst(header.count).joined(separator: "\n")
        )
      }
  }

  private static func numbers(after word: String, in code: String) -> Set<Int> {
    Set(code.matches(of: /(KEYS|ARGV)\[(\d+)\]/).filter { $0.1 == word }.compactMap { Int($0.2) })
  }

  @Test func `every key and argument that a script reads is in its header`() throws {
    let scripts = try Self.scripts()
    #expect(scripts.count >= 6)
    for script in scripts {
      #expect(script.header.contains("KEYS") && script.header.contains("ARGV") && script.header.contains("RETURNS"))
      for word in ["KEYS", "ARGV"] {
        let used = Self.numbers(after: word, in: script.code)
        let highest = used.max() ?? 0
        #expect(
          used == Set(1...max(1, highest)).subtracting(highest == 0 ? [1] : []), "\(script.name): \(word) has gaps")
        for number in used {
          #expect(script.header.contains(" \(number) "), "\(script.name): \(word)[\(number)] is not in the header")
        }
      }
    }
  }
}
