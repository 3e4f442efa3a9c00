import Foundation

/// A card as an SVG document: hills under a sky with a moon, and the text before them. Pure; the same text makes the same
/// bytes. The document refers to nothing outside of it, and the text stands in it as characters only.
struct CardDrawing: Sendable {
  private let size: PictureSize
  private let palette: CardPalette
  private let text: CardText

  private var width: Double { Double(size.width) }
  private var height: Double { Double(size.height) }
  private var unit: Double { Double(size.shorterSide) }
  private var margin: Double { unit * Self.margin }

  /// Left free of text on both sides, in shorter sides of the card.
  static let margin = 0.09

  /// - Parameter seed: decides over colours and shapes.
  init(text: String, seed: String, size: PictureSize) {
    self.size = size
    palette = CardPalette(of: seed)
    let unit = Double(size.shorterSide)
    self.text = CardText(
      text, width: Double(size.width) - 2 * unit * Self.margin, height: Double(size.height) * 0.7,
      largest: unit * 0.115, smallest: unit * 0.036)
  }

  var svg: String {
    let box = #"width="\#(size.width)" height="\#(size.height)""#
    return #"<svg xmlns="http://www.w3.org/2000/svg" \#(box) viewBox="0 0 \#(size.width) \#(size.height)">"#
      + gradients + #"<rect \#(box) fill="url(#sky)"/>"# + stars + moon + palette.hills.indices.map(hill).joined()
      + words + "</svg>"
  }

  private var gradients: String {
    #"<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">"#
      + #"<stop offset="0" stop-color="\#(palette.skyTop.code)"/>"#
      + #"<stop offset="1" stop-color="\#(palette.skyBottom.code)"/></linearGradient>"#
      + #"<radialGradient id="glow"><stop offset="0" stop-color="\#(palette.moon.code)" stop-opacity="0.9"/>"#
      + #"<stop offset="1" stop-color="\#(palette.moon.code)" stop-opacity="0"/></radialGradient></defs>"#
  }

  private var stars: String {
    (0..<14).map { number in
      circle(
        x: width * palette.chance(6 + 2 * number), y: height * 0.5 * palette.chance(7 + 2 * number),
        radius: unit * (0.0015 + 0.0015 * Double(number % 3)), #"fill="\#(CardColor.ink.code)" fill-opacity="0.35""#)
    }.joined()
  }

  /// On the side where lines end.
  private var moon: String {
    let place = (palette.chance(2) < 0.5 ? 0.79 : 0.84) + 0.05 * palette.chance(3)
    let x = width * (text.isRightToLeft ? 1 - place : place)
    let y = height * (0.22 + 0.14 * palette.chance(4))
    let radius = unit * (0.13 + 0.06 * palette.chance(5))
    return circle(x: x, y: y, radius: radius * 2.6, #"fill="url(#glow)""#)
      + circle(x: x, y: y, radius: radius, #"fill="\#(palette.moon.code)""#)
  }

  private func hill(_ index: Int) -> String {
    let base = height * (0.7 + 0.1 * Double(index))
    let waves = 1.1 + 0.9 * palette.chance(20 + index)
    let points = (0...48).map { step in
      let along = Double(step) / 48
      let wave = sin(2 * .pi * (along * waves + palette.chance(10 + index)))
      let ripple = sin(2 * .pi * (along * waves * 2.3 + palette.chance(15 + index)))
      return "\(Self.number(along * width)) \(Self.number(base + height * 0.055 * (0.7 * wave + 0.3 * ripple)))"
    }
    return #"<path d="M0 \#(size.height)L\#(points.joined(separator: "L"))L\#(size.width) \#(size.height)Z" "#
      + #"fill="\#(palette.hills[index].code)"/>"#
  }

  private var words: String {
    guard !text.lines.isEmpty else { return "" }
    let letter = text.fontSize
    let step = letter * CardText.leading
    let top = (height - step * Double(text.lines.count)) / 2
    let start = text.isRightToLeft ? width - margin : margin
    let bar = letter * 1.6
    let accent =
      #"<rect x="\#(Self.number(text.isRightToLeft ? start - bar : start))" y="\#(Self.number(top - letter * 0.55))" "#
      + #"width="\#(Self.number(bar))" height="\#(Self.number(max(1, letter * 0.09)))" fill="\#(palette.accent.code)"/>"#
    let direction = text.isRightToLeft ? #" direction="rtl""# : ""
    let lines = text.lines.enumerated().map { index, line in
      let y = Self.number(top + step * (Double(index) + 0.78))
      return #"<text x="\#(Self.number(start))" y="\#(y)">\#(Self.escaped(line))</text>"#
    }
    return accent + #"<g font-family="DejaVu Sans, sans-serif" font-weight="bold"\#(direction) "#
      + #"font-size="\#(Self.number(letter))" fill="\#(CardColor.ink.code)">\#(lines.joined())</g>"#
  }

  private func circle(x: Double, y: Double, radius: Double, _ look: String) -> String {
    #"<circle cx="\#(Self.number(x))" cy="\#(Self.number(y))" r="\#(Self.number(radius))" \#(look)/>"#
  }

  /// To hundredths of a pixel.
  private static func number(_ value: Double) -> String { String((value * 100).rounded() / 100) }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
