import Foundation
import Glibc

/// A directory for the making of one film, which nobody else can look into. Whoever makes one removes it.
struct FilmScratch: Sendable {
  private let path: String

  private static let prefix = "tollway-film-"
  /// No call lasts as long.
  private static let leftoverAge: TimeInterval = 3600

  init() throws(SystemFault) {
    var template = Array("\(FileManager.default.temporaryDirectory.path)/\(Self.prefix)XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemFault("make a directory for the film", errno) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  func remove() {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      return  // a leftover then: the film counts
    }
  }

  /// Removes what workers that were killed have left behind. What cannot be removed stays: it may be another user's.
  static func removeLeftovers() {
    let place = FileManager.default.temporaryDirectory.path
    do {
      for name in try FileManager.default.contentsOfDirectory(atPath: place) where name.hasPrefix(prefix) {
        let path = "\(place)/\(name)"
        let changed = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        guard let changed, changed.timeIntervalSinceNow < -leftoverAge else { continue }
        try FileManager.default.removeItem(atPath: path)
      }
    } catch {
      return  // somebody else removes them, or nobody may
    }
  }
}
