import HTTPTypes

extension HTTPField.Name {
  static let requestID = required("X-Request-Id")
  static let referrerPolicy = required("Referrer-Policy")
  static let idempotencyKey = required("Idempotency-Key")
  static let rateLimit = required("RateLimit")
  static let secFetchSite = required("Sec-Fetch-Site")
  static let lastEventID = required("Last-Event-ID")
  static let accelBuffering = required("X-Accel-Buffering")
  static let rateLimitPolicy = required("RateLimit-Policy")

  private static func required(_ name: String) -> HTTPField.Name {
    guard let name = HTTPField.Name(name) else { fatalError("Bug: \(name) is no name of a header field") }
    return name
  }
}
