"""What each setting means, in Korean, for the table of docs/settings.ko.md."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = "| 항목 | 환경 변수 | 기본값 | 의미 |"
NONE, SEE_RIGHT = "없음", "오른쪽 참고"

MEANINGS: Mapping[str, str] = {
    "camera_index": "카메라 번호, 또는 OpenCV가 열 수 있는 파일 경로나 스트림 URL",
    "max_frames": "카메라에서 모을, 얼굴이 정확히 하나인 프레임 수",
    "max_images": "폴더에서 읽을 이미지 수",
    "use_gpu": "CUDA를 먼저 시도. `required`이면 GPU가 없을 때 오류",
    "use_directml": "DirectML을 시도",
    "model_name": "`<model_root>/models/` 아래의 모델 팩, `sface` 또는 `dlib`",
    "next_model_name": "[사람들을 옮겨 갈 모델](model-move.md). `model_name`과 함께 사용. 없으면 옮기지 않음",
    "model_root": "모델 팩을 두는 곳. InsightFace와 같은 구조",
    "liveness_models": "수동적 라이브니스(위조 얼굴 탐지) 모델이 있는 폴더. `face model fetch liveness`가 채움. 비우면 동작 요청으로만 확인",
    "detection_threshold": "얼굴 검출 점수의 하한, 0~1",
    "server_host": "수신할 주소",
    "server_port": "수신할 포트",
    "server_workers": "`face server`의 프로세스 수. 컴퓨터의 코어를 나누어 씀([규모](sizing.md#processes-on-one-machine))",
    "data_dir": "내장 데이터베이스, 키 파일, 저장된 보정 결과가 있는 곳. 기본값: `face`의 사용자 데이터 폴더",
    "database_url": "pgvector가 있는 PostgreSQL의 SQLAlchemy URL. 없으면 내장 서버를 사용",
    "database_password_file": "`database_url`에 적힌 역할의 비밀번호가 든 파일",
    "master_key": "32바이트, base64",
    "master_key_file": "마스터 키가 base64로 든 파일",
    "threshold_profiles": '모델과 프로필별 코사인, JSON: `{"buffalo_l": {"balanced": 0.42}}`. '
    "적지 않은 것은 모델의 기본값을 사용",
    "image_roots": "`/token/directory`와 `directory`로 읽을 수 있는 폴더(심볼릭 링크를 따라간 뒤의 위치로 판단). "
    "여러 개이면 PATH처럼 구분. 없으면 아무 폴더도 읽지 않음",
    "open_tokens": "이 컴퓨터에서 서비스와 같은 사용자가 실행한 프로그램이 `/token/*`를 키 없이 부를 수 있음",
    "open_tokens_users": "마찬가지로 키 없이 부를 수 있는 다른 사용자(이름 또는 번호, 쉼표로 구분). "
    "`open_metrics`가 켜져 있으면 `/metrics`도 읽을 수 있음",
    "max_image_bytes": "인코딩된 이미지 하나의 최대 바이트 수. 넘으면 거부",
    "max_image_pixels": "이미지 하나의 최대 픽셀 수. 넘으면 거부",
    "max_images_per_request": "한 요청의 최대 이미지 수. 넘으면 거부",
    "language": "`Accept-Language`나 명령줄의 `--lang`으로 정해지지 않을 때 메시지의 언어; 지정하지 않으면 명령줄은 터미널 로캘의 언어를 따름",
    "faces": "얼굴로 인정할 사진. `one`: 얼굴이 정확히 하나인 사진. `dominant`: 다른 어느 얼굴보다 두 배 이상 크고 "
    "가운데에 가장 가까운 얼굴이 하나 있는 사진도 인정. 컬렉션이나 요청에서 따로 정할 수 있음",
    "master_key_kms": "직접 만든 마스터 키 대신 쓸 AWS KMS 키(ID, ARN, 별칭). "
    "리전, 자격 증명, 엔드포인트는 AWS의 환경 변수로 지정",
    "rate_limit_per_key": "API 키 하나의 호출 수. `off`이면 제한 없음",
    "rate_limit_per_address": "한 주소(IPv6은 /64 네트워크)에서 올바른 키로 부를 수 있는 호출 수. 또는 `off`",
    "rate_limit_failures": "한 주소에서 키 없이, 또는 잘못된 키로 부를 수 있는 호출 수. "
    "올바른 키는 이와 상관없이 통과. 또는 `off`",
    "rate_limit_storage": "호출 수를 세는 곳, `redis://…` 또는 `rediss://…`. 없으면 PostgreSQL",
    "lockout_after": "얼굴이 이만큼 거부되면 그 키에 대해 그 사람을 잠금. 그런 키가 다섯이면 모든 키에 대해 잠금. "
    "0: 잠그지 않음",
    "lockout_window": "거부를 함께 세는 기간(초). 그 사이에 일치해도 달라지지 않음",
    "lockout_seconds": "잠겨 있는 시간(초)",
    "audit_decisions": "모든 본인 확인과 검색을 감사 기록에 남김. 거부는 항상 남김",
    "purge_interval": "실행 중인 서버가 기간이 지난 사람을 삭제하는 간격(초). 0: 삭제하지 않음",
    "ssl_certfile": "인증서(중간 인증서 포함), PEM. 지정하면 HTTPS만 사용",
    "ssl_keyfile": "인증서의 개인 키, PEM. 없으면 `ssl_certfile` 안에 있는 것을 사용",
    "ssl_keyfile_password": "개인 키의 암호",
    "ssl_ca_certs": "인증 기관, PEM. 지정하면 호출자는 여기서 발급한 인증서를 제시해야 함",
    "log_format": "`face server`의 로그 형식. `auto`: 터미널에서는 읽기 쉬운 글, 아니면 한 줄에 JSON 하나",
    "open_metrics": "이 컴퓨터에서 서비스와 같은 사용자, 그리고 `open_tokens_users`의 프로그램이 `/metrics`를 "
    "키 없이 읽을 수 있음",
    "max_connections": "프로세스 하나의 동시 연결 수. 한 주소에서는 그 4분의 3까지. "
    "열 수 있는 파일 수의 시스템 한도가 더 낮으면 줄어듦",
    "connection_timeout": "TLS 핸드셰이크, 요청 헤더, 본문의 두 조각 사이, 답을 읽지 않는 호출자를 기다리는 시간(초). "
    "넘으면 연결을 끊음",
    "reply_similarity": "답에 보이는 유사도. `rounded`: 소수 둘째 자리까지 내림, `exact`: 그대로, `band`: 구간만. "
    "`embedding` 권한이 있는 키에는 항상 그대로",
    "search_memory": "서버의 각 프로세스가 큰 컬렉션의 검색에 쓸 수 있는 메모리(MiB), 템플릿당 156바이트. "
    "모자라거나 0이면 데이터베이스를 스캔",
    "pages": "사람이 보는 페이지 `/kiosk`([키오스크](kiosk.md))와 `/console`을 제공",
    "cors_origins": "키로 이 서비스를 부를 수 있는 다른 웹 페이지의 출처(`https://door.example`), 쉼표로 구분. "
    "없으면 어떤 페이지도 부를 수 없음",
    "root_path": "프록시가 이 서비스를 제공하는 경로 앞부분(`/face`). 프록시는 이 부분을 떼고 넘겨야 함",
}
