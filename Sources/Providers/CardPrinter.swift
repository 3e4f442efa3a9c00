import Foundation
import Glibc

/// Makes pictures of cards with `rsvg-convert`, one short-lived process each. The drawing goes in through standard
/// input, so that it has no place from which it could refer to files.
struct CardPrinter: Sendable {
  let program: String
  let environment: [String: String]

  /// A picture of 3840 x 3840 that does not compress at all.
  static let maximumBytes = 64 << 20

  func picture(of text: String, seed: String, size: PictureSize) async throws(ProviderFailure) -> [UInt8] {
    let drawing = CardDrawing(text: text, seed: seed, size: size)
    let run: CapturedRun
    do {
      run = try await CapturedRun.of(
        program, ["--format", "png"], environment: environment, input: Array(drawing.svg.utf8),
        limit: Self.maximumBytes)
    } catch {
      throw error.code == ENOENT
        ? ProviderFailure(
          .local, "rsvg-convert is not installed: apt-get install librsvg2-bin fonts-dejavu-core")
        : ProviderFailure(.local, error.description)
    }
    if Task.isCancelled { throw ProviderFailure(.cancelled, "cancelled, rsvg-convert was stopped") }
    guard run.exit == .status(0) else { throw ProviderFailure(.server, "rsvg-convert ended with \(run.exit)") }
    guard !run.overflowed, MediaType.image(of: run.output)?.fileExtension == "png" else {
      throw ProviderFailure(.malformed, "rsvg-convert made no picture")
    }
    return run.output
  }
}
