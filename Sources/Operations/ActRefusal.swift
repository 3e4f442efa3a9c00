/// Why an act cannot be done as asked, whoever asks again.
package enum ActRefusal: Error, Sendable, Hashable {
  /// - Parameter known: what there is, in order.
  case unknownProvider(String, known: [String])
  case unknownTier(String, known: [String])
}
