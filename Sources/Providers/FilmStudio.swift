import Contracts
import Foundation
import Glibc

/// Makes one film in a scratch directory, scene by scene. What is left to do when the task is cancelled is not begun, and
/// what runs is killed. Frames and samples are counted from the beginning of the film, so that picture and sound do not
/// drift apart by what is rounded.
struct FilmStudio: Sendable {
  let program: String
  let environment: [String: String]
  let printer: CardPrinter
  let artifacts: ArtifactStore
  let request: FilmRequest
  let scratch: FilmScratch

  /// Bytes of one picture or narration, as many as other providers may answer with.
  static let inputLimit = 64 << 20
  static let longestNarration = 600
  static let longestFilm = 1800
  static let filmLimit = 256 << 20

  /// - Returns: the film, and its length.
  func film() async throws(ProviderFailure) -> (bytes: [UInt8], seconds: ExactDecimal) {
    var list = ""
    var samples = 0
    var frames = 0
    for (index, scene) in request.scenes.enumerated() {
      let sound = try await sound(of: scene, index)
      try append(sound, to: scratch.file("sound.pcm"))
      samples += sound.count / 2
      guard samples <= Self.longestFilm * FFmpegCommand.sampleRate else {
        throw ProviderFailure(.caller, "scenes: together longer than \(Self.longestFilm / 60) minutes")
      }
      let end = samples * request.framesPerSecond / FFmpegCommand.sampleRate
      let count = max(1, end - frames)
      frames += count
      try await picture(of: scene, index, frames: count)
      list += "file scene-\(index).mp4\n"
    }
    try append(Array(list.utf8), to: scratch.file("scenes.txt"))
    let film = scratch.file("film.mp4")
    let command = FFmpegCommand.film(
      program, list: scratch.file("scenes.txt"), sound: scratch.file("sound.pcm"), to: film)
    guard try await run(command).exit == .status(0) else {
      throw ProviderFailure(.server, "ffmpeg could not put the scenes together")
    }
    let milliseconds = (samples * 1000 + FFmpegCommand.sampleRate / 2) / FFmpegCommand.sampleRate
    return (try contents(of: film), ExactDecimal(mantissa: Int128(milliseconds), decimals: 3))
  }

  /// Bare samples.
  private func sound(of scene: FilmRequest.Scene, _ index: Int) async throws(ProviderFailure) -> [UInt8] {
    guard let speech = scene.speech else {
      let samples = Int((request.silentSeconds * Double(FFmpegCommand.sampleRate)).rounded())
      return [UInt8](repeating: 0, count: samples * 2)
    }
    let member = "scenes[\(index)].speech"
    let bytes = try await input(speech, member)
    guard let type = MediaType.audio(of: bytes), let command = FFmpegCommand.sound(program, type) else {
      throw ProviderFailure(.caller, "\(member): is in no format that can be read")
    }
    let run = try await run(
      command, input: bytes, limit: Self.longestNarration * FFmpegCommand.bytesPerSecond)
    guard !run.overflowed else {
      throw ProviderFailure(.caller, "\(member): is longer than \(Self.longestNarration / 60) minutes")
    }
    guard run.exit == .status(0), run.output.count > 1 else {
      throw ProviderFailure(.caller, "\(member): has no sound that can be read")
    }
    return run.output.count % 2 == 0 ? run.output : run.output.dropLast()
  }

  private func picture(
    of scene: FilmRequest.Scene, _ index: Int, frames: Int
  ) async throws(ProviderFailure) {
    let member = "scenes[\(index)].image"
    let bytes: [UInt8]
    if let image = scene.image {
      bytes = try await input(image, member)
    } else {
      bytes = try await printer.picture(of: scene.caption, seed: scene.caption, size: request.size)
    }
    guard let type = MediaType.image(of: bytes),
      let command = FFmpegCommand.picture(
        program, type, request, frames: frames, to: scratch.file("scene-\(index).mp4"))
    else { throw ProviderFailure(.caller, "\(member): is no picture") }
    guard try await run(command, input: bytes).exit == .status(0) else {
      throw ProviderFailure(scene.image == nil ? .server : .caller, "\(member): cannot be shown")
    }
  }

  private func input(_ path: String, _ member: String) async throws(ProviderFailure) -> [UInt8] {
    guard let bytes = await artifacts.read(path, limit: Self.inputLimit) else {
      throw ProviderFailure(
        .caller, "\(member): its file is not among the artifacts of this worker; all workers need the same directory")
    }
    return bytes
  }

  /// - Parameter limit: bytes of its output.
  private func run(
    _ command: [String], input: [UInt8] = [], limit: Int = 1 << 16
  ) async throws(ProviderFailure) -> CapturedRun {
    if Task.isCancelled { throw ProviderFailure(.cancelled, "cancelled while the film was made") }
    let run: CapturedRun
    do {
      run = try await CapturedRun.of(
        command[0], Array(command.dropFirst()), environment: environment, input: input, limit: limit)
    } catch {
      throw ProviderFailure(.local, error.description)
    }
    if Task.isCancelled { throw ProviderFailure(.cancelled, "cancelled, ffmpeg was stopped") }
    switch run.exit {
    // What `nice` ends with when the program is not there.
    case .status(127): throw ProviderFailure(.local, "ffmpeg is not installed: apt-get install ffmpeg")
    case .signal where !run.overflowed: throw ProviderFailure(.server, "ffmpeg ended with \(run.exit)")
    case .status, .signal: return run
    }
  }

  private func append(_ bytes: [UInt8], to file: String) throws(ProviderFailure) {
    guard let stream = fopen(file, "a") else { throw Self.disk(errno) }
    let written = fwrite(bytes, 1, bytes.count, stream)
    let fault = errno
    guard fclose(stream) == 0, written == bytes.count else { throw Self.disk(written == bytes.count ? errno : fault) }
  }

  private func contents(of film: String) throws(ProviderFailure) -> [UInt8] {
    do {
      let size = try FileManager.default.attributesOfItem(atPath: film)[.size] as? Int
      guard let size, size <= Self.filmLimit else {
        throw ProviderFailure(.caller, "scenes: the film is larger than \(Self.filmLimit >> 20) MiB")
      }
      return try Array(Data(contentsOf: URL(filePath: film)))
    } catch let failure as ProviderFailure {
      throw failure
    } catch {
      throw ProviderFailure(.server, "ffmpeg left no film")
    }
  }

  private static func disk(_ code: Int32) -> ProviderFailure {
    ProviderFailure(.local, SystemFault("write what the film is made of", code).description, reachedProvider: true)
  }
}
