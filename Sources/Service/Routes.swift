internal import API
internal import Alerting
internal import Ingest
internal import Queries
internal import Storage

extension ServiceDependencies {
  /// All routes of the API.
  var routes: [APIRoute] {
    APIRoute.joined(
      CatalogActions(store: store).routes
        + ManagementActions(store: store, catalog: catalog, random: random).routes
        + ObjectiveActions(store: store, catalog: catalog, retentionDays: retentionDays).routes
        + AlertActions(store: store, alerts: records, notices: notices).routes
        + HealthActions(store: store, retentionDays: retentionDays).routes
        + ReleaseActions(store: store, retentionDays: retentionDays).routes
        + DeployActions(store: store).routes
        + NoticeActions(notices: notices, random: random).routes)
  }

  var ingest: IngestEndpoint.Dependencies {
    IngestEndpoint.Dependencies(
      catalog: catalog, clock: clock, queue: queue, metrics: metrics, random: random)
  }

  var api: APIEndpoint.Dependencies {
    APIEndpoint.Dependencies(
      catalog: catalog, clock: clock, version: queue.version, workers: workers,
      startThread: notices.startThread, metrics: metrics, log: log, address: address)
  }
}
