import Catalog
import Contracts
import Foundation
import TestKit
import Testing

@testable import Providers

struct CardTextTests {
  private func text(_ text: String, width: Double = 1000, height: Double = 400) -> CardText {
    CardText(text, width: width, height: height, largest: 80, smallest: 20)
  }

  @Test(arguments: [
    ("a  b\n\tc ", "a b c"), ("\u{0}a\u{1}\u{8}b\u{7F}\u{85}c", "ab c"), ("a\u{202E}b\u{200F}", "ab"),
    ("a 😀 b 👩‍👩‍👧 c 🇩🇪", "a b c"), ("\u{FFFE}\u{FFFF}\u{E000}x", "x"), ("</svg>&", "</svg>&"),
    ("שלום", "שלום"), (" \n ", ""),
  ])
  func `what no card can show is left out`(_ text: String, _ shown: String) {
    #expect(CardText.shown(text) == shown)
  }

  @Test func `short texts have large letters, long ones smaller, the longest an ellipsis`() {
    #expect(text("A fox").fontSize == 80)
    #expect(text("A fox").lines == ["A fox"])
    let sentence = text(String(repeating: "The keeper climbs the stairs. ", count: 8))
    #expect(sentence.fontSize < 80 && sentence.fontSize > 20)
    #expect(sentence.lines.last?.hasSuffix("stairs.") == true)
    let novel = text(String(repeating: "word ", count: 2000))
    #expect(novel.fontSize == 20)
    #expect(novel.lines.count == CardText.mostLines)
    #expect(novel.lines.last?.hasSuffix("word…") == true)
  }

  @Test(arguments: [
    String(repeating: "W", count: 10_000), String(repeating: "Mm ", count: 3000), String(repeating: "語", count: 500),
    String(repeating: "a", count: 30) + " " + String(repeating: "b", count: 300), "x", "",
  ])
  func `every line fits and so do all together`(_ long: String) {
    for (width, height) in [(1000.0, 400.0), (300, 900), (60, 30)] {
      let text = text(long, width: width, height: height)
      #expect(text.lines.allSatisfy { CardText.width(of: $0) * text.fontSize <= width + 0.001 })
      #expect(text.lines.count <= CardText.mostLines)
      #expect(text.lines.count <= 1 || Double(text.lines.count) * text.fontSize * CardText.leading <= height)
    }
  }

  @Test func `the first letter tells where lines begin`() {
    #expect(text("שלום world").isRightToLeft)
    #expect(text("12 - مرحبا").isRightToLeft)
    #expect(!text("Shalom שלום").isRightToLeft)
    #expect(!text("123").isRightToLeft)
  }
}

struct CardPaletteTests {
  @Test func `the text can be read on every background`() {
    for number in 0..<400 {
      let palette = CardPalette(of: "card \(number)")
      let worst = palette.backgrounds.map { $0.contrast(to: .ink) }.min() ?? 0
      #expect(worst >= 4.5, "card \(number): \(worst)")
    }
  }

  @Test func `contrast and colours are those of the definitions`() {
    let black = CardColor(red: 0, green: 0, blue: 0)
    #expect(abs(CardColor(red: 255, green: 255, blue: 255).contrast(to: black) - 21) < 0.001)
    #expect(CardColor(hue: -240, saturation: 1, lightness: 0.5).code == "#00ff00")
    #expect(CardColor(hue: 360, saturation: 1, lightness: 0.5).code == "#ff0000")
    #expect(CardColor(hue: 200, saturation: 0.5, lightness: 0.3).code == "#265973")
  }
}

struct CardProviderTests {
  let directory: TestDirectory
  let provider: CardProvider

  init() throws {
    directory = try TestDirectory("card")
    provider = CardProvider(name: "card", artifacts: ArtifactStore(directory: directory.url.path))
  }

  private func payload(_ prompt: String, _ more: String = "") -> String {
    var json = JSONWriter()
    json.literal(#"{"prompt":"#)
    json.string(prompt)
    return String(decoding: json.bytes, as: UTF8.self) + more + "}"
  }

  /// Width and height in the header of a PNG.
  static func size(of png: [UInt8]) -> [Int]? {
    guard png.count > 24, Array(png[12..<16]) == Array("IHDR".utf8) else { return nil }
    return [16, 20].map { start in png[start..<start + 4].reduce(0) { $0 << 8 | Int($1) } }
  }

  /// Three bytes a pixel.
  private func pixels(_ png: [UInt8]) async throws -> [UInt8] {
    let file = directory.file("picture-\(UInt64.random(in: 0 ... .max))")
    try Data(png).write(to: file)
    let raw = file.path + ".raw"
    try await FinishedCommand.run([
      "ffmpeg", "-nostdin", "-loglevel", "error", "-f", "png_pipe", "-i", file.path, "-f", "rawvideo", "-pix_fmt",
      "rgb24", raw,
    ]).checked()
    return try Array(Data(contentsOf: URL(filePath: raw)))
  }

  @Test(arguments: [
    (#","size":"1024x1536""#, [1024, 1536]), (#","size":"64x64""#, [64, 64]), ("", [1280, 720]),
    (#","size":"auto""#, [1280, 720]), (#","size":"3840x64""#, [3840, 64]), (#","size":"480P""#, [853, 480]),
    (#","size":null"#, [1280, 720]),
  ])
  func `a picture has the size that was asked for`(_ more: String, _ size: [Int]) async throws {
    let reply = try await provider.call(call(.image, payload("A quiet harbour at dusk", more))).reply()
    #expect(try Self.size(of: reply.artifactBytes()) == size)
    #expect(reply.quantity(.images) == "1")
    #expect(try reply.document()["artifact"]?["mediaType"]?.string == "image/png")
  }

  @Test func `the same prompt has the same picture, another another`() async throws {
    func picture(_ prompt: String) async throws -> [UInt8] {
      try await provider.call(call(.image, payload(prompt, #","size":"320x180""#))).reply().artifactBytes()
    }
    let fox = try await picture("A fox")
    #expect(try await picture("A fox") == fox)
    #expect(try await picture("A fix") != fox)
  }

  @Test func `several pictures differ`() async throws {
    let reply = try await provider.call(call(.image, payload("A fox", #","n":3,"size":"320x180""#))).reply()
    let artifacts = try #require(try reply.document()["artifacts"]?.elements)
    #expect(Set(artifacts.compactMap { $0["sha256"]?.string }).count == 3)
    #expect(reply.quantity(.images) == "3")
  }

  static let hostile = [
    "</svg>", "</text><image href=\"file:///etc/passwd\"/>",
    "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]>&b;",
    "&amp; & &#0; ]]>", String(repeating: "A long story. ", count: 720), String(repeating: "W", count: 10_000),
    "😀👩‍👩‍👧🇩🇪", "שלום, מה שלומך היום?", "\u{202E}reversed\u{202C}", "\u{0}\u{1}\u{1B}[31m\u{8}\u{7F}", "\"'`${HOME}`'\"",
    "\u{FFFF}\u{FFFE}\u{E000}", "e" + String(repeating: "\u{301}", count: 1500), " ",
  ]

  @Test(arguments: hostile.indices)
  func `a text of any kind is drawn, within the margins`(_ number: Int) async throws {
    let size = PictureSize(width: 640, height: 360)
    let printer = CardPrinter(program: "rsvg-convert", environment: ProcessInfo.processInfo.environment)
    let prompt = Self.hostile[number]
    let drawn = try await printer.picture(of: prompt, seed: "seed", size: size)
    #expect(Self.size(of: drawn) == [640, 360])
    // The moon stands on the other side when the text runs from right to left.
    guard !CardText(prompt, width: 1, height: 1, largest: 1, smallest: 1).isRightToLeft else { return }
    let (with, without) = (
      try await pixels(drawn), try await pixels(try await printer.picture(of: "", seed: "seed", size: size))
    )
    let margin = Int(Double(size.height) * CardDrawing.margin) - 2
    var changed: Set<Int> = []
    for offset in with.indices where with[offset] != without[offset] { changed.insert(offset / 3 % size.width) }
    #expect(changed.allSatisfy { $0 >= margin && $0 < size.width - margin }, "\(changed.sorted())")
    #expect(changed.isEmpty == CardText.shown(prompt).isEmpty)
  }

  @Test(arguments: [#"{"prompt":"a","size":"63x64"}"#, #"{"prompt":"a","size":"+64x64"}"#, #"{"prompt":"a","n":5}"#])
  func `what it does not offer goes elsewhere`(_ payload: String) async throws {
    #expect(Capability.refusal(of: .card, model: "card", for: try job(.image, payload)) != nil)
    let failure = try await provider.call(call(.image, payload)).failure()
    #expect(failure.kind == .local)
    #expect(!failure.reachedProvider)
  }

  @Test func `a missing program is told with the remedy`() async throws {
    let provider = CardProvider(
      name: "card", program: "no-such-program", artifacts: ArtifactStore(directory: directory.url.path))
    let failure = try await provider.call(call(.image, payload("a"))).failure()
    #expect(failure.kind == .local)
    #expect(failure.detail.contains("apt-get install librsvg2-bin"))
    #expect(!failure.reachedProvider)
  }
}
