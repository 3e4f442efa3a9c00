package import Admission

/// Finds out how jobs stand, many in one go: one round trip for what is asked for often, two more where something is to be
/// told of a job.
package struct JobReader: Sendable {
  private let desk: AdmissionDesk

  package init(desk: AdmissionDesk) { self.desk = desk }

  /// In the order of the ids; nil for a job that is not known.
  package func statuses(of ids: [String]) async throws(AdmissionError) -> [JobStatus?] {
    let standings = try await desk.explain(ids)
    guard standings.contains(where: { $0 != nil }) else { return standings.map { _ in nil } }
    let figures = try await desk.fleetFigures()
    let done = zip(ids, standings).compactMap { id, standing in standing?.state == .done ? id : nil }
    let outputs = Dictionary(
      zip(done, try await desk.outputs(of: done)), uniquingKeysWith: { first, _ in first })
    return zip(ids, standings).map { id, standing in
      standing.map {
        JobStatus(Explanation(id, $0, figures), result: $0.result, output: (outputs[id] ?? nil) ?? $0.files)
      }
    }
  }

  /// See `AdmissionDesk.glance`.
  package func glance(at ids: [String]) async throws(AdmissionError) -> [String] { try await desk.glance(at: ids) }
}
