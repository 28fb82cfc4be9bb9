<?php

declare(strict_types=1);

namespace Upline\Commission\Model;

use Magento\Framework\App\ProductMetadataInterface;
use Upline\Commission\Domain\Module;

/**
 * The versions that are told with every snapshot and heartbeat.
 */
class Versions
{
    /**
     * @param ProductMetadataInterface $product
     */
    public function __construct(private readonly ProductMetadataInterface $product)
    {
    }

    /**
     * Of the module, Magento and PHP.
     *
     * @return array<string, string>
     */
    public function told(): array
    {
        return [
            'plugin' => Module::VERSION,
            'platform' => (string) $this->product->getVersion(),
            'host' => (string) $this->product->getName() . ' ' . $this->product->getEdition(),
            'php' => PHP_VERSION,
        ];
    }
}
