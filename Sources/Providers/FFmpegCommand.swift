/// Command lines of `ffmpeg`. Pure. They are made of our own words and numbers: pictures and sound of jobs go in through
/// standard input, with their format told, so that no file can pass for a playlist that names others.
enum FFmpegCommand {
  /// Samples a second of what is put together; one channel of 16 bits.
  static let sampleRate = 44_100
  static let bytesPerSecond = sampleRate * 2
  /// Pixels of a picture that is read at all.
  private static let mostPixels = 1 << 26

  /// Polite to the rest of the machine, and silent.
  private static func common(_ program: String) -> [String] {
    ["nice", "-n", "10", program, "-nostdin", "-hide_banner", "-loglevel", "quiet", "-y"]
  }

  /// Narration from standard input to bare samples on standard output.
  static func sound(_ program: String, _ type: MediaType) -> [String]? {
    guard let format = ["wav": "wav", "mp3": "mp3", "opus": "ogg", "aac": "aac", "flac": "flac"][type.fileExtension]
    else { return nil }
    return common(program) + [
      "-protocol_whitelist", "pipe", "-threads", "2", "-f", format, "-i", "pipe:0", "-map", "0:a:0",
      "-ac", "1", "-ar", String(sampleRate), "-f", "s16le", "pipe:1",
    ]
  }

  /// A picture from standard input to a film of it without sound: as large as fits, on black, faded in.
  static func picture(
    _ program: String, _ type: MediaType, _ request: FilmRequest, frames: Int, to file: String
  ) -> [String]? {
    guard let format = ["png": "png_pipe", "jpg": "jpeg_pipe", "webp": "webp_pipe"][type.fileExtension] else {
      return nil
    }
    let (width, height) = (request.size.width, request.size.height)
    var filters = [
      "scale=\(width):\(height):force_original_aspect_ratio=decrease:flags=lanczos"
        + ":out_color_matrix=bt709:out_range=tv",
      "format=yuv420p", "pad=\(width):\(height):(ow-iw)/2:(oh-ih)/2", "setsar=1", "loop=loop=-1:size=1:start=0",
      "setpts=N",
    ]
    let fade = min(frames / 2, request.framesPerSecond * 2 / 5)
    if fade > 0 { filters.append("fade=type=in:start_frame=0:nb_frames=\(fade)") }
    return common(program) + [
      "-protocol_whitelist", "pipe", "-threads", "2", "-max_pixels", String(mostPixels),
      "-f", format, "-framerate", String(request.framesPerSecond), "-i", "pipe:0", "-map", "0:v:0",
      "-vf", filters.joined(separator: ","), "-frames:v", String(frames),
      "-c:v", "libx264", "-preset", "veryfast", "-tune", "stillimage", "-crf", "20", "-bf", "0", "-threads", "2",
      "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-f", "mp4", file,
    ]
  }

  /// The scenes one after the other, with the sound of them all.
  ///
  /// - Parameters: files: `list` of the scenes' films for the concat demuxer, `sound` of bare samples.
  static func film(_ program: String, list: String, sound: String, to file: String) -> [String] {
    common(program) + [
      "-protocol_whitelist", "file", "-f", "concat", "-i", list,
      "-protocol_whitelist", "file", "-f", "s16le", "-ar", String(sampleRate), "-ac", "1", "-i", sound,
      "-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "128k", "-threads", "2",
      "-movflags", "+faststart", "-map_metadata", "-1", "-f", "mp4", file,
    ]
  }
}
