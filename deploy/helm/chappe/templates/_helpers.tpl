{{- define "chappe.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "chappe.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "chappe.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "chappe.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "chappe.selector" -}}
app.kubernetes.io/name: {{ include "chappe.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chappe.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 }}
{{ include "chappe.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "chappe.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "chappe.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "chappe.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* embedded, chart or external: where the engine is. What does not go together ends here, with the reason. */}}
{{- define "chappe.engine" -}}
{{- $external := or .Values.external.urls .Values.external.existingSecret }}
{{- if not .Values.tokens.existingSecret }}
{{- fail "tokens.existingSecret: a hub that others reach needs a tokens file; make a secret of one (see values.yaml) and name it" }}
{{- end }}
{{- if and $external .Values.nats.enabled }}
{{- fail "nats.enabled and external: only one of them says which NATS the hub uses" }}
{{- end }}
{{- $clustered := or $external .Values.nats.enabled }}
{{- $several := or (gt (int .Values.replicaCount) 1) .Values.autoscaling.enabled .Values.keda.enabled }}
{{- if and $several (not $clustered) }}
{{- fail "replicaCount: a hub with its own engine has one node; for several set nats.enabled, or external.urls" }}
{{- end }}
{{- if and $several (not .Values.secretKey.existingSecret) }}
{{- fail "secretKey.existingSecret: several nodes need the same key; make a secret of one (see values.yaml) and name it" }}
{{- end }}
{{- if and .Values.autoscaling.enabled .Values.keda.enabled }}
{{- fail "autoscaling.enabled and keda.enabled: only one of them may scale the nodes" }}
{{- end }}
{{- if $external }}external{{ else if .Values.nats.enabled }}chart{{ else }}embedded{{ end }}
{{- end }}

{{- define "chappe.natsUrls" -}}
{{- if .Values.external.urls }}
{{- join "," .Values.external.urls }}
{{- else }}
{{- $name := default "nats" .Values.nats.nameOverride }}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- printf "nats://%s:4222" (default $full .Values.nats.fullnameOverride | trunc 63 | trimSuffix "-") }}
{{- end }}
{{- end }}

{{/* Helm reads every number as a float; TOML would then show 1.048576e+06. */}}
{{- define "chappe.toml" -}}
{{- range $name, $value := .Values.settings }}
{{- if and (kindIs "float64" $value) (eq (floor $value) $value) }}{{ $value = int64 $value }}{{ end }}
{{- printf "%s = %s\n" $name (toJson $value) }}
{{- end }}
{{- end }}
