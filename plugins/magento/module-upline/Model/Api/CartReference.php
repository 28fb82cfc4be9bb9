<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Api;

use Magento\Framework\Exception\InputException;
use Upline\Commission\Api\CartReferenceInterface;
use Upline\Commission\Domain\Reference;
use Upline\Commission\Model\References;

/**
 * @inheritDoc
 */
class CartReference implements CartReferenceInterface
{
    /**
     * @param References $references
     */
    public function __construct(private readonly References $references)
    {
    }

    /**
     * @inheritDoc
     */
    public function set(int $cartId, string $reference): bool
    {
        if ($reference !== '' && Reference::clean($reference) === '') {
            throw new InputException(__('reference: a code has letters, digits and ". _ ~ + -", 64 at most'));
        }
        $this->references->typed($cartId, $reference);
        return true;
    }
}
