extension Usage {
  /// What tells one picture or clip from another in price. Words in lower case; nil where it is left open.
  package struct Dimensions: Sendable, Hashable {
    package var size: String?
    package var quality: String?
    /// Of video: `480p`, `720p`, `1080p`, `4k`; the shorter side where that has no name of its own.
    package var resolution: String?

    package init(size: String? = nil, quality: String? = nil, resolution: String? = nil) {
      self.size = size?.lowercased()
      self.quality = quality?.lowercased()
      self.resolution = resolution?.lowercased()
    }

    /// What a job asks for. The resolution follows from the size, because that is all that a provider is told. A text
    /// that no provider could mean counts as `other`, for which no price is listed, so that the dearest one holds.
    package init(of payload: JSONValue, task: TaskType) {
      func word(_ name: String) -> String? {
        payload[name]?.string.flatMap { $0.isEmpty ? nil : Self.isWord($0) ? $0 : "other" }
      }
      switch task {
      case .image: self.init(size: word("size"), quality: word("quality"))
      case .video: self.init(size: word("size"), resolution: word("size").flatMap(Self.resolution))
      case .tts, .llm, .embedding, .echo: self.init()
      }
    }

    package var isOpen: Bool { size == nil && quality == nil && resolution == nil }

    /// Short and plain, as in price lists: `1024x1536`, `hd`, `16:9`.
    package static func isWord(_ text: String) -> Bool {
      (1...32).contains(text.utf8.count)
        && text.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: ":"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
          default: false
          }
        }
    }

    private static func resolution(ofSize size: String) -> String? {
      let size = size.lowercased()
      let sides = size.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
      if sides.count == 2, let shorter = sides.min(), shorter > 0 { return name(ofLines: shorter) }
      if size.last == "p", let lines = Int(size.dropLast()), lines > 0 { return name(ofLines: lines) }
      return ["4k", "8k"].contains(size) ? size : nil
    }

    private static func name(ofLines lines: Int) -> String {
      switch lines {
      case 2160: "4k"
      case 4320: "8k"
      default: "\(lines)p"
      }
    }
  }
}
