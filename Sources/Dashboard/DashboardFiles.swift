/// The files of the dashboard, embedded in the program.
///
/// This is the only list of them: a name without a file does not compile, and a test finds files
/// without a name.
enum DashboardFiles {
  static var page: [UInt8] { PackageResources.index_html }

  struct File {
    /// The path in the folder `Page`, which is also the path in the URL.
    var name: String
    var bytes: [UInt8]

    var contentType: String {
      switch name.split(separator: ".").last {
      case "js": "text/javascript; charset=utf-8"
      case "css": "text/css; charset=utf-8"
      default: "image/svg+xml"
      }
    }
  }

  static var all: [File] {
    let named = [
      ("dashboard.css", PackageResources.dashboard_css),
      ("icon.svg", PackageResources.icon_svg),
      ("main.js", PackageResources.main_js),
      ("charts/bar-chart.js", PackageResources.bar_chart_js),
      ("charts/chart.js", PackageResources.chart_js),
      ("charts/line-chart.js", PackageResources.line_chart_js),
      ("charts/sparkline.js", PackageResources.sparkline_js),
      ("lib/alert-words.js", PackageResources.alert_words_js),
      ("lib/api.js", PackageResources.api_js),
      ("lib/dom.js", PackageResources.dom_js),
      ("lib/format.js", PackageResources.format_js),
      ("lib/live.js", PackageResources.live_js),
      ("lib/pickers.js", PackageResources.pickers_js),
      ("lib/platforms.js", PackageResources.platforms_js),
      ("lib/snippets.js", PackageResources.snippets_js),
      ("lib/state.js", PackageResources.state_js),
      ("lib/statuses.js", PackageResources.statuses_js),
      ("panels/adoption-panel.js", PackageResources.adoption_panel_js),
      ("panels/alert-form.js", PackageResources.alert_form_js),
      ("panels/back-test.js", PackageResources.back_test_js),
      ("panels/budget-panel.js", PackageResources.budget_panel_js),
      ("panels/channels-panel.js", PackageResources.channels_panel_js),
      ("panels/comparison-panel.js", PackageResources.comparison_panel_js),
      ("panels/estimate-panel.js", PackageResources.estimate_panel_js),
      ("panels/incident-table.js", PackageResources.incident_table_js),
      ("panels/objective-form.js", PackageResources.objective_form_js),
      ("panels/release-table.js", PackageResources.release_table_js),
      ("panels/trust-panel.js", PackageResources.trust_panel_js),
      ("views/alert-view.js", PackageResources.alert_view_js),
      ("views/alerts-view.js", PackageResources.alerts_view_js),
      ("views/release-view.js", PackageResources.release_view_js),
      ("views/releases-view.js", PackageResources.releases_view_js),
      ("views/settings-view.js", PackageResources.settings_view_js),
      ("views/setup-view.js", PackageResources.setup_view_js),
      ("views/sign-in-view.js", PackageResources.sign_in_view_js),
    ]
    return named.map(File.init)
  }
}
