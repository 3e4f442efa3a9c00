import Foundation

/// A colour of a card, in sRGB. Pure.
struct CardColor: Sendable, Hashable {
  /// 0 to 255 each.
  let red: Int
  let green: Int
  let blue: Int

  /// The text's: a warm white.
  static let ink = CardColor(red: 250, green: 246, blue: 238)

  init(red: Int, green: Int, blue: Int) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  /// - Parameters:
  ///   - hue: degrees; turns as often as it likes.
  ///   - saturation: 0 to 1, as the lightness.
  init(hue: Double, saturation: Double, lightness: Double) {
    let reach = saturation * min(lightness, 1 - lightness)
    func part(_ offset: Double) -> Int {
      let turned = (offset + hue / 30).truncatingRemainder(dividingBy: 12)
      let place = turned < 0 ? turned + 12 : turned
      return Int((255 * (lightness - reach * max(-1, min(place - 3, 9 - place, 1)))).rounded())
    }
    self.init(red: part(0), green: part(8), blue: part(4))
  }

  /// A background for text: the colour asked for, or the lightest darker one on which the ink can be read.
  init(behindInk hue: Double, saturation: Double, lightness: Double) {
    var color = CardColor(hue: hue, saturation: saturation, lightness: lightness)
    var level = lightness
    while color.contrast(to: .ink) < Self.leastContrast, level > 0 {
      level -= 0.01
      color = CardColor(hue: hue, saturation: saturation, lightness: max(0, level))
    }
    self = color
  }

  /// Above the 4.5 that https://www.w3.org/TR/WCAG22/#contrast-minimum asks for.
  static let leastContrast = 5.0

  func contrast(to other: CardColor) -> Double {
    let (lighter, darker) = (max(luminance, other.luminance), min(luminance, other.luminance))
    return (lighter + 0.05) / (darker + 0.05)
  }

  /// https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
  private var luminance: Double {
    func linear(_ part: Int) -> Double {
      let value = Double(part) / 255
      return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
    }
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
  }

  /// `#rrggbb`
  var code: String {
    let digits = String(red << 16 | green << 8 | blue, radix: 16)
    return "#" + String(repeating: "0", count: 6 - digits.count) + digits
  }
}
