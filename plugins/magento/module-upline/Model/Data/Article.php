<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Data;

use Magento\Framework\DataObject;
use Upline\Commission\Api\Data\ArticleInterface;

/**
 * A product as it is sold.
 */
class Article extends DataObject implements ArticleInterface
{
    /**
     * @inheritDoc
     */
    public function getId(): int
    {
        return (int) $this->getData('id');
    }

    /**
     * @inheritDoc
     */
    public function getSku(): string
    {
        return (string) $this->getData('sku');
    }

    /**
     * @inheritDoc
     */
    public function getName(): string
    {
        return (string) $this->getData('name');
    }

    /**
     * @inheritDoc
     */
    public function getType(): string
    {
        return (string) $this->getData('type');
    }

    /**
     * @inheritDoc
     */
    public function getPrice(): string
    {
        return (string) $this->getData('price');
    }

    /**
     * @inheritDoc
     */
    public function getQuantity(): string
    {
        return (string) $this->getData('quantity');
    }

    /**
     * @inheritDoc
     */
    public function isCounted(): bool
    {
        return (bool) $this->getData('counted');
    }
}
