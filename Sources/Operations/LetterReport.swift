import Contracts
import Lanes

/// What became of letters that were to be replayed or released.
package struct LetterReport: Sendable, Encodable {
  package struct Row: Sendable, Encodable {
    package let id: String
    package let run: String?
    /// Where it went; nil for one that stays.
    package let lane: String?
    /// Why it stays.
    package let kept: String?
  }

  package internal(set) var done = 0
  package internal(set) var kept = 0
  package internal(set) var rows: [Row] = []
  /// Ids of which there was no letter, in order.
  package internal(set) var missing: [String] = []

  mutating func count(_ letter: Letter, _ fate: LetterBox.Fate) {
    switch fate {
    case .replayed(let lane):
      done += 1
      rows.append(Row(id: letter.id, run: letter.run, lane: lane.rawValue, kept: nil))
    case .kept(let reason):
      kept += 1
      rows.append(Row(id: letter.id, run: letter.run, lane: nil, kept: reason))
    }
  }
}
