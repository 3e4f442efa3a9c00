import Contracts

/// What speech is measured by: characters are Unicode scalars of the text, as speech providers count them, and seconds
/// those of the audio where its format says.
enum SpeechUsage {
  static func measured(text: String, audio: WAVFile?) -> [Usage] {
    var usage = [Usage(.characters, ExactDecimal(text.unicodeScalars.count), .measured)]
    if let audio { usage.append(Usage(.audioSeconds, audio.seconds, .measured)) }
    return usage
  }
}
