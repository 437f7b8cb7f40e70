"""What is stored and sent: frozen, versioned pydantic types with extra fields forbidden."""
