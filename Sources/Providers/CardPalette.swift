import Crypto

/// What tells one card from another: its colours and the places of its shapes, all taken from a text, so that the same
/// text has the same card everywhere. Pure.
struct CardPalette: Sendable, Hashable {
  let skyTop: CardColor
  let skyBottom: CardColor
  let moon: CardColor
  /// The farthest first.
  let hills: [CardColor]
  let accent: CardColor
  private let digest: [UInt8]

  init(of seed: String) {
    digest = Array(SHA256.hash(data: Array(seed.utf8)))
    let hue = Double(digest[0]) / 256 * 360
    let turn: Double = digest[1] & 1 == 0 ? 1 : -1
    skyTop = CardColor(behindInk: hue, saturation: 0.5, lightness: 0.12)
    skyBottom = CardColor(behindInk: hue + turn * 35, saturation: 0.52, lightness: 0.36)
    moon = CardColor(behindInk: hue + turn * 60, saturation: 0.6, lightness: 0.5)
    hills = [(25.0, 0.3), (13.0, 0.225), (1.0, 0.15)].map {
      CardColor(behindInk: hue + turn * $0.0, saturation: 0.48, lightness: $0.1)
    }
    accent = CardColor(hue: hue + turn * 90, saturation: 0.75, lightness: 0.72)
  }

  /// From 0 to 1, the same for the same number.
  func chance(_ number: Int) -> Double { Double(digest[number % digest.count]) / 255 }

  /// All that text may stand on.
  var backgrounds: [CardColor] { [skyTop, skyBottom, moon] + hills }
}
