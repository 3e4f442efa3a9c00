import Contracts

/// Pixels of a picture or film that we make ourselves.
struct PictureSize: Sendable, Hashable {
  let width: Int
  let height: Int

  static let usual = PictureSize(width: 1280, height: 720)
  static let sides = 64...3840

  var shorterSide: Int { min(width, height) }

  /// What a payload's `size` asks for: `1280x720`, or of films as people say it, `720p` and `4k`. The usual size where it
  /// leaves that open (`auto`); nil for one that is not offered.
  static func asked(by payload: JSONValue) -> PictureSize? {
    guard let text = payload["size"]?.string?.lowercased(), !text.isEmpty, text != "auto" else { return usual }
    let size: PictureSize
    let parts = text.split(separator: "x", omittingEmptySubsequences: false).compactMap { Int($0) }
    if text == "4k" {
      size = PictureSize(width: 3840, height: 2160)
    } else if text.last == "p", let lines = Int(text.dropLast()), sides.contains(lines) {
      size = PictureSize(width: lines * 16 / 9, height: lines)
    } else if parts.count == 2, text.utf8.allSatisfy({ $0 != UInt8(ascii: "+") }) {
      size = PictureSize(width: parts[0], height: parts[1])
    } else {
      return nil
    }
    return sides.contains(size.width) && sides.contains(size.height) ? size : nil
  }

  /// The largest of even sides within it, as films have them.
  var even: PictureSize { PictureSize(width: width / 2 * 2, height: height / 2 * 2) }
}
