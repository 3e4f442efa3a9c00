package import Admission

/// What a waiting job waits for, as people and programs are told: what admission said of it, or what only the fleet as a
/// whole can say. The raw values stand in JSON.
package enum WaitCause: RawRepresentable, Sendable, Hashable, CaseIterable {
  case reason(WaitReason)
  /// Nothing of its own: a free slot of the fleet.
  case slot
  /// Redis lost its memory, and nothing is granted yet.
  case hold

  package static var allCases: [WaitCause] { WaitReason.allCases.map { .reason($0) } + [.slot, .hold] }

  package init?(rawValue: String) {
    guard let cause = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = cause
  }

  package var rawValue: String {
    switch self {
    case .reason(let reason): reason.rawValue
    case .slot: "slot"
    case .hold: "hold"
    }
  }

  /// What a lane counts; a hold is one for all of them.
  package static let counted: [WaitCause] = [.slot] + WaitReason.allCases.map { .reason($0) }

  /// Whether it is what the job's user was granted or asked for that holds it, not the fleet.
  package var isTheirs: Bool {
    switch self {
    case .reason(let reason): reason.isTheirs
    case .slot, .hold: false
    }
  }
}
